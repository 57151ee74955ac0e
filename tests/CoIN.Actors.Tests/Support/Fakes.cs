using System.Security.Cryptography;
using System.Text;
using CoIN.Benchmark;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Learning;
using CoIN.Benchmark.Methods;
using CoIN.Benchmark.Routing;
using CoIN.Benchmark.Runs;
using CoIN.Benchmark.Scoring;

namespace CoIN.Actors.Tests.Support;

/// <summary>A model whose weights are a hash that every step hashes again: any step left out or done twice shows.</summary>
internal sealed class FakeLearners(int steps = 12, int stepMilliseconds = 0, Action<int, int>? atStep = null, int microBatches = 1)
    : ILearnerFactory
{
    public int Opened { get; private set; }

    /// <summary>The stages that were begun.</summary>
    public System.Collections.Concurrent.ConcurrentQueue<StageTraining> Stages { get; } = [];

    public string BaseModel { get; init; } = new('b', 64);

    /// <summary>Whether the adapters have experts.</summary>
    public bool Experts { get; init; }

    public ILearner Open(ExperimentOptions options, string device, int threads)
    {
        Opened++;
        return new Learner(this, options);
    }

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    private ITrainingSession Train(ExperimentOptions options, StageTraining stage)
    {
        Stages.Enqueue(stage);
        return new Training(options, stage, steps, microBatches, stepMilliseconds, atStep);
    }

    private sealed class Learner(FakeLearners owner, ExperimentOptions options) : ILearner
    {
        public string BaseModelSha256 => owner.BaseModel;

        public ITrainingSession OpenTraining(StageTraining stage) => owner.Train(options, stage);

        public IGenerationSession OpenGeneration(string? adapter) =>
            new Generation(adapter is null ? "base" : File.ReadAllText(Path.Combine(adapter, AdapterFiles.Weights)), owner.Experts);

        public void Dispose() { }
    }

    private sealed class Training : ITrainingSession
    {
        private readonly int pause;
        private readonly Action<int, int>? atStep;
        private readonly StageTraining stage;
        private readonly TrainingTeam team;
        private string weights;
        private Task? exchange;
        private Task sent = Task.CompletedTask;
        private int microBatch;
        private int validated;

        public Training(ExperimentOptions options, StageTraining stage, int steps, int microBatches, int pause, Action<int, int>? atStep)
        {
            (this.stage, team, this.pause, this.atStep, TotalSteps, MicroBatches) = (stage, stage.Team, pause, atStep, steps, microBatches);
            weights = stage.Adapter is null
                ? Hash($"seed {options.Seed}")
                : File.ReadAllText(Path.Combine(stage.Adapter, AdapterFiles.Weights));
            if (stage.Checkpoint is not null)
            {
                var saved = File.ReadAllLines(Path.Combine(stage.Checkpoint, "state"));
                (Step, weights) = (int.Parse(saved[0]), saved[1]);
            }
        }

        public int Step { get; private set; }

        public int TotalSteps { get; }

        public int MicroBatches { get; }

        public Task? Awaited => exchange ?? (Step == TotalSteps && !sent.IsCompleted ? sent.ContinueWith(_ => { }) : null);

        public MicroBatchReport Next()
        {
            if (exchange is { } others)
            {
                exchange = null;
                others.GetAwaiter().GetResult();
                return Ended();
            }

            Thread.Sleep(pause / MicroBatches);
            if (++microBatch < MicroBatches)
            {
                return new MicroBatchReport(microBatch, 10, null);
            }

            microBatch = 0;
            if (team.Trainers > 1)
            {
                exchange = ExchangeAsync();
                return new MicroBatchReport(MicroBatches, 10, null);
            }

            return Ended();
        }

        /// <summary>The others say that they have come so far, and wait for the word to go on.</summary>
        private async Task ExchangeAsync()
        {
            await sent;
            foreach (var link in team.Links)
            {
                if (!team.IsFirst)
                {
                    await link.SendAsync(new LinkMessage(Step, team.Rank), ReadOnlyMemory<float>.Empty);
                }

                var message = await link.ReceiveAsync((_, _) => { });
                Assert.Equal(team.IsFirst ? Step : Step + 1, message.Step);
            }
        }

        private MicroBatchReport Ended()
        {
            atStep?.Invoke(stage.Stage, Step + 1);
            weights = Hash($"{weights} {stage.Name} {Step} {stage.Samples.Count}");
            var done = new MicroBatchReport(MicroBatches, 10, new StepReport(++Step, 1.0 / Step, 1e-3, 1, 4, 100));
            sent = team.IsFirst
                ? Task.WhenAll(team.Links.Select(link => link.SendAsync(new LinkMessage(Step, -1), ReadOnlyMemory<float>.Empty)))
                : sent;
            return done;
        }

        public int ValidationSamples => stage.Validation.Count;

        public ValidationReport Validate()
        {
            var loss = ++validated < ValidationSamples ? (double?)null : Convert.ToInt32(weights[..4], 16) / 1000.0;
            var done = validated;
            validated = loss is null ? validated : 0;
            Thread.Sleep(pause / 4);
            return new ValidationReport(done, ValidationSamples, loss, 5 * done);
        }

        public void SaveCheckpoint(string folder) => File.WriteAllText(Path.Combine(folder, "state"), $"{Step}\n{weights}");

        public void SaveAdapter(string folder) => File.WriteAllText(Path.Combine(folder, AdapterFiles.Weights), weights);

        public void Dispose()
        {
            foreach (var link in team.Links)
            {
                link.Dispose();
            }
        }
    }

    private sealed class Generation(string weights, bool experts) : IGenerationSession
    {
        private int answered;

        public IReadOnlyList<Prediction> Answer(IReadOnlyList<TestSample> samples, int maxNewTokens)
        {
            answered += samples.Count;
            return [.. samples.Select(sample => new Prediction(sample.QuestionId, Hash(weights + sample.QuestionId)[..1]))];
        }

        /// <summary>A position for each answer.</summary>
        public ExpertRouting? TakeRouting()
        {
            var share = new RoutingShare("map", answered, [0.25 * answered, 0.75 * answered]);
            answered = 0;
            return experts ? new ExpertRouting([new RoutingLayer([share])]) : null;
        }

        public void Dispose() { }
    }
}

/// <summary>A benchmark in memory: an answer is right when it is an even hexadecimal digit.</summary>
internal sealed class FakeWork(int testSamples = 7) : IBenchmarkWork
{
    public string DataSha256 { get; set; } = "d0";

    /// <summary>SHA-256 of further data files, by path.</summary>
    public Dictionary<string, string> OtherData { get; } = [];

    public DataDescription Describe(ExperimentOptions options) =>
        new(
            new Dictionary<string, string>(OtherData) { ["train.json"] = DataSha256 },
            [.. options.Tasks.Select(_ => 10)],
            [.. options.Tasks.Select(_ => testSamples)]
        )
        {
            ValidationSamples = options.Data.Validation > 0 ? [.. options.Tasks.Select(_ => (int)options.Data.Validation)] : null,
        };

    public IReadOnlyList<TrainingSample> Validation(ExperimentOptions options, TaskOptions task) =>
        [
            .. Enumerable
                .Range(0, (int)options.Data.Validation)
                .Select(i => new TrainingSample($"{task.Name}-held-{i}", null, [new("human", "q"), new("gpt", "a")])),
        ];

    public IReadOnlyList<TrainingSample> Training(ExperimentOptions options, TaskOptions task) =>
        [.. Enumerable.Range(0, 10).Select(i => new TrainingSample($"{task.Name}-{i}", null, [new("human", "q"), new("gpt", "a")]))];

    public IReadOnlyList<TestSample> Test(ExperimentOptions options, TaskOptions task) =>
        [.. Enumerable.Range(0, testSamples).Select(i => new TestSample($"{task.Name}-{i}", null, "q", "0"))];

    /// <summary>The digit from which on the corrected rule calls an even answer right.</summary>
    public char CorrectedFrom { get; set; } = '4';

    public CellScores Score(TaskOptions task, IReadOnlyList<TestSample> samples, IReadOnlyList<Prediction> predictions)
    {
        SampleScore[] scores =
        [
            .. predictions.Select(one => new SampleScore(
                one.QuestionId,
                Even(one) ? 1 : 0,
                Even(one) && one.Text[0] >= CorrectedFrom ? 1 : 0
            )),
        ];
        return new CellScores(
            100.0 * scores.Sum(one => one.Published)!.Value / samples.Count,
            samples.Count,
            100.0 * scores.Sum(one => one.Corrected)!.Value / samples.Count,
            samples.Count,
            scores
        );

        static bool Even(Prediction one) => "02468ace".Contains(one.Text, StringComparison.Ordinal);
    }

    public void WriteScores(string path, IReadOnlyList<SampleScore> scores) => ScoresFile.Write(path, scores);

    public void WritePredictions(string path, IReadOnlyList<Prediction> predictions) =>
        Durable.WriteText(path, string.Concat(predictions.Select(one => $"{one.QuestionId}\t{one.Text}\n")));

    public IReadOnlyList<Prediction> ReadPredictions(string path) =>
        [.. File.ReadAllLines(path).Select(line => line.Split('\t')).Select(parts => new Prediction(parts[0], parts[1]))];

    public IReadOnlyList<string> WriteReports(string runFolder, RunState state, string? target = null)
    {
        Durable.WriteText(Path.Combine(target ?? runFolder, "report.txt"), state.Status.ToString());
        return ["report.txt"];
    }
}

/// <summary>Keeps what a run showed.</summary>
internal sealed class Witness(Action<RunSnapshot>? see = null) : IRunObserver
{
    public List<RunSnapshot> Seen { get; } = [];

    public void Observe(RunSnapshot snapshot)
    {
        lock (Seen)
        {
            Seen.Add(snapshot);
        }

        see?.Invoke(snapshot);
    }
}

internal static class Experiments
{
    public static ExperimentOptions Of(int tasks, string method = SequentialLora.Name, int checkpointEvery = 5) =>
        new()
        {
            Name = "test",
            Method = method,
            Tasks =
            [
                .. Enumerable
                    .Range(1, tasks)
                    .Select(i => new TaskOptions
                    {
                        Name = $"Task{i}",
                        Folder = $"t{i}",
                        Scorer = "gqa",
                    }),
            ],
            Data = new DataOptions { Instructions = "i", Images = "p" },
            Model = new ModelOptions { Path = "m" },
            Training = new TrainingOptions { CheckpointEvery = checkpointEvery },
            Evaluation = new EvaluationOptions { BatchSize = 2, ShardSize = 3 },
        };

    public static CoinException NaN => new("the loss is NaN; lower training.learning-rate");
}
