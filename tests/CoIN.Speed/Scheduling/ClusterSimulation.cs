using System.Diagnostics;
using Akka.Actor;
using Akka.Configuration;
using CoIN.Actors.Scheduling;
using CoIN.Benchmark;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Runs;
using CoIN.Benchmark.Scoring;
using static CoIN.Actors.Protocol.WorkProtocol;

namespace CoIN.Speed.Scheduling;

/// <summary>
/// The product's own scheduler and supervisors with simulated workers, in virtual time and on one thread: the same options give the same
/// messages in the same order.
/// </summary>
internal sealed class ClusterSimulation : IDisposable
{
    private const string Dispatcher = "virtual";

    private static readonly Config Settings = ConfigurationFactory.ParseString(
        $$"""
        akka {
          scheduler.implementation = "{{typeof(VirtualClock).AssemblyQualifiedName}}"
          loglevel = OFF
          stdout-loglevel = OFF
          log-dead-letters = off
          persistence.journal {
            plugin = "akka.persistence.journal.simulated"
            simulated { class = "{{typeof(SimulatedJournal).AssemblyQualifiedName}}", plugin-dispatcher = {{Dispatcher}} }
          }
        }
        {{Dispatcher}} { type = "{{typeof(VirtualDispatcherConfigurator).AssemblyQualifiedName}}", throughput = 1 }
        """
    );

    // What is not of interest comes at different times, as in life.
    private static readonly TimeSpan WorkersComeWithin = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan RunsComeWithin = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly SimulationOptions options;
    private readonly ActorSystem system;
    private readonly VirtualClock clock;
    private readonly VirtualDispatcher dispatcher;
    private readonly Meter meter;
    private readonly IActorRef scheduler;
    private readonly List<SimulatedDevice> devices = [];
    private readonly ExperimentOptions experiment;
    private int begun;
    private int ended;
    private string? fault;

    public ClusterSimulation(SimulationOptions options)
    {
        this.options = options;
        system = ActorSystem.Create("simulation", Settings);
        clock = (VirtualClock)system.Scheduler;
        dispatcher = (VirtualDispatcher)system.Dispatchers.Lookup(Dispatcher);
        meter = new Meter(clock);
        experiment = Experiment();
        scheduler = system.ActorOf(Props.Create(() => new MeasuredScheduler(meter)).WithDispatcher(Dispatcher), MeasuredScheduler.Name);
        foreach (var gpu in Enumerable.Range(0, options.Gpus))
        {
            clock.After(WorkersComeWithin * gpu / options.Gpus, () => AddGpu(gpu));
        }

        foreach (var host in Enumerable.Range(0, options.JudgeSeconds > 0 ? options.Hosts : 0))
        {
            clock.After(WorkersComeWithin * host / options.Hosts, () =>
                AddWorker($"host-{host}-judge", Skill.Judge, $"cpu-of-host-{host}", null)
            );
        }

        foreach (var run in Enumerable.Range(0, options.Runs))
        {
            clock.After(RunsComeWithin * run / options.Runs, () => AddRun($"run-{run}"));
        }
    }

    /// <summary>Simulates until all runs have ended, or the time that it may take is over.</summary>
    /// <exception cref="CoinException">A run failed, or nothing happens any more though runs have not ended.</exception>
    public SimulationResult Run()
    {
        var began = ProcessorTime.Now();
        var done = true;
        while (ended < options.Runs && (done = ProcessorTime.Now() - began < options.Limit))
        {
            dispatcher.Drain();
            if (fault is not null)
            {
                throw new CoinException(fault);
            }

            if (!clock.Next())
            {
                throw new CoinException($"{options.Runs - ended} simulated runs wait for ever.");
            }
        }

        return SimulationResult.Of(
            options,
            meter,
            clock.Elapsed.TotalSeconds,
            ProcessorTime.Now() - began,
            devices.Sum(one => one.Busy),
            done
        );
    }

    public void Dispose()
    {
        // Its actors end on this thread too.
        var end = system.Terminate();
        for (var waited = Stopwatch.StartNew(); !end.IsCompleted && waited.Elapsed < Patience; )
        {
            dispatcher.Drain();
            Thread.Sleep(1);
        }
    }

    private void AddGpu(int gpu)
    {
        var device = new SimulatedDevice(clock);
        devices.Add(device);
        var (host, number) = (gpu / options.GpusPerHost, gpu % options.GpusPerHost);

        // All simulated hosts are one node: their GPUs need names of their own.
        AddWorker($"host-{host}-trainer-{number}", Skill.Train, $"cuda:{gpu}", device);
        AddWorker(
            $"host-{host}-evaluator-{number}",
            Skill.Evaluate,
            $"cuda:{gpu}",
            device,
            gpu < options.SlowEvaluators ? options.Slower : 1
        );
    }

    private void AddWorker(string name, Skill skill, string device, SimulatedDevice? gpu, double slower = 1) =>
        system.ActorOf(
            Props
                .Create(() => new SimulatedWorker(scheduler, skill, device, gpu, clock, options, meter, slower))
                .WithDispatcher(Dispatcher),
            name
        );

    private void AddRun(string runId)
    {
        var samples = Enumerable.Repeat(options.Samples, options.Stages).ToList();
        var hashes = experiment
            .Tasks.SelectMany(task => new[] { $"{task.Folder}/train.json", $"{task.Folder}/test.json" })
            .ToDictionary(file => file, _ => new string('0', 64));
        var start = new RunStarted(runId, experiment, hashes, [.. samples.Select(_ => 10_000)], samples);
        var end = new TaskCompletionSource<RunSnapshot>();
        end.Task.ContinueWith(
            task =>
            {
                ended++;
                fault ??=
                    task.IsFaulted ? task.Exception.GetBaseException().Message
                    : task.Result.Status == RunStatus.Completed ? null
                    : $"{runId}: {task.Result.Status}: {task.Result.Message}";
            },
            TaskContinuationOptions.ExecuteSynchronously
        );
        var settings = new SupervisorSettings(
            runId,
            Path.Combine(Path.GetTempPath(), "coin-simulation-of-no-folder", runId),
            start,
            scheduler,
            new NoWork(),
            new NoObserver(),
            options.Gpus,
            end
        );
        system.ActorOf(Props.Create(() => new MeasuredSupervisor(meter, settings)).WithDispatcher(Dispatcher), runId);

        // Akka lets persistent actors begin from a thread of its own, for which virtual time has to wait.
        begun++;
        var waited = Stopwatch.StartNew();
        while (meter.Work.GetValueOrDefault((MeasuredSupervisor.Name, nameof(Akka.Persistence.RecoverySuccess)))?.Count != begun)
        {
            dispatcher.Drain();
            Thread.Yield();
            if (waited.Elapsed > Patience)
            {
                throw new CoinException($"{runId} does not begin.");
            }
        }
    }

    private ExperimentOptions Experiment()
    {
        string[] names = ["ScienceQA", "TextVQA", "ImageNet", "GQA", "VizWiz", "Grounding", "VQAv2", "OCR-VQA"];
        return new ExperimentOptions
        {
            Name = "simulated",
            Tasks =
            [
                .. Enumerable
                    .Range(0, options.Stages)
                    .Select(task => new TaskOptions
                    {
                        Name = task < names.Length ? names[task] : $"Task-{task + 1}",
                        Folder = $"Task-{task + 1}",
                        Scorer = "vqav2",
                    }),
            ],
            Data = new DataOptions { Instructions = "/data/CoIN/Instructions_Original", Images = "/data/CoIN/cl_dataset" },
            Model = new ModelOptions { Path = "/models/llava-1.5-7b-hf", Dtype = "bfloat16" },
            Evaluation = new EvaluationOptions { ShardSize = options.ShardSize, BatchSize = options.BatchSize },
            Training = new TrainingOptions { CheckpointEvery = options.CheckpointEvery },
            Judge =
                options.JudgeSeconds == 0
                    ? null
                    : new JudgeOptions
                    {
                        Name = "judge",
                        Kind = JudgeKind.OpenAi,
                        Endpoint = "http://judge:8000/v1",
                        Model = "qwen1.5-32b-chat",
                    },
        };
    }

    /// <summary>Runs without files.</summary>
    private sealed class NoWork : IBenchmarkWork
    {
        public DataDescription Describe(ExperimentOptions options) => throw new NotSupportedException();

        public IReadOnlyList<TrainingSample> Training(ExperimentOptions options, TaskOptions task) => throw new NotSupportedException();

        public IReadOnlyList<TestSample> Test(ExperimentOptions options, TaskOptions task) => throw new NotSupportedException();

        public CellScores Score(TaskOptions task, IReadOnlyList<TestSample> samples, IReadOnlyList<Prediction> predictions) =>
            throw new NotSupportedException();

        public void WritePredictions(string path, IReadOnlyList<Prediction> predictions) => throw new NotSupportedException();

        public void WriteScores(string path, IReadOnlyList<SampleScore> scores) => throw new NotSupportedException();

        public IReadOnlyList<Prediction> ReadPredictions(string path) => throw new NotSupportedException();

        public IReadOnlyList<string> WriteReports(string runFolder, RunState state, string? target = null) => [];

        public IReadOnlyList<string> WriteComparison(IReadOnlyList<(RunState State, string Folder)> runs, string target) => [];
    }

    private sealed class NoObserver : IRunObserver
    {
        public void Observe(RunSnapshot snapshot) { }
    }
}
