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

    /// <summary>The ranks that parted from the others of their team.</summary>
    public System.Collections.Concurrent.ConcurrentQueue<int> Parted { get; } = [];

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
        return new Training(this, options, stage, steps, microBatches, stepMilliseconds, atStep);
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
        private readonly FakeLearners owner;
        private readonly int pause;
        private readonly Action<int, int>? atStep;
        private readonly StageTraining stage;
        private readonly TrainingTeam team;
        private string weights;
        private Task? exchange;
        private Task sent = Task.CompletedTask;
        private int microBatch;
        private int validated;

        public Training(
            FakeLearners owner,
            ExperimentOptions options,
            StageTraining stage,
            int steps,
            int microBatches,
            int pause,
            Action<int, int>? atStep
        )
        {
            this.owner = owner;
            IsWhole = options.Training.OptimizerState == OptimizerState.Whole;
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

        public bool IsWhole { get; private set; }

        public StepReport? Part(TimeSpan patience)
        {
            owner.Parted.Enqueue(team.Rank);
            IsWhole = true;
            return null;
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
