using Akka.Actor;
using CoIN.Actors.Protocol;
using CoIN.Actors.Workers;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Runs;
using static CoIN.Actors.Protocol.WorkProtocol;

namespace CoIN.Speed.Scheduling;

/// <summary>A trainer, evaluator or judge that lets time pass instead of computing, and says what a real one says.</summary>
/// <param name="gpu">Null for a judge, which works elsewhere.</param>
/// <param name="slower">How many times as long it needs; 1 for one like others.</param>
internal sealed class SimulatedWorker(
    IActorRef scheduler,
    Skill skill,
    string device,
    SimulatedDevice? gpu,
    VirtualClock clock,
    SimulationOptions options,
    Meter meter,
    double slower
) : Worker(scheduler, skill, device)
{
    private const double ScoreSeconds = 0.5;
    private static readonly string Sha256 = new('0', 64);

    private readonly string name = skill.ToString().ToLowerInvariant();
    private readonly Queue queue = meter.Queue(skill.ToString().ToLowerInvariant());
    private Task? awaited;
    private bool opened;
    private int done;

    // Before the batch that is under way.
    private int before;

    protected override Task? Awaited => awaited;

    protected override (int Answered, int Of) Counted =>
        Current.Item is AnswerShard shard ? (awaited is { IsCompleted: false } ? before : done, SamplesOf(shard)) : default;

    protected override (int Stage, string Task) Subject(Assignment assignment) => (0, "");

    protected override bool AroundReceive(Receive receive, object message) =>
        meter.Measure(name, queue, message, () => base.AroundReceive(receive, message));

    protected override void Open()
    {
        (done, before, awaited) = (0, 0, null);
        opened = false;
        if (Current.Item is TrainStage { Checkpoint: { } checkpoint })
        {
            done = int.Parse(checkpoint[^6..], System.Globalization.CultureInfo.InvariantCulture);
        }
    }

    protected override bool Step()
    {
        if (!opened)
        {
            opened = true;
            if (gpu is { HasModel: false })
            {
                gpu.HasModel = true;
                awaited = gpu.Compute(options.LoadSeconds);
                return true;
            }
        }

        switch (Current.Item)
        {
            case TrainStage stage:
                return Train(stage);
            case AnswerShard shard:
                return Answer(shard);
            case ScoreCell cell when done++ == 0:
                awaited = Passed(ScoreSeconds);
                return true;
            case ScoreCell cell:
                var (task, file) = (
                    Current.Options.Tasks[cell.Task].Name,
                    RunPaths.Predictions(cell.Stage, Current.Options.Tasks[cell.Task].Name)
                );
                Deliver(
                    new CellWritten(cell, 50, options.Samples, file, Sha256)
                    {
                        Corrected = 50,
                        CorrectedSamples = options.Samples,
                        ScoresFile = RunPaths.Scores(cell.Stage, task),
                        ScoresSha256 = Sha256,
                    }
                );
                return false;
            case JudgeCell cell:
                return Judge(cell);
            default:
                throw new InvalidOperationException($"{Current.Item}");
        }
    }

    protected override void Leave() { }

    protected override void Close() { }

    private bool Train(TrainStage stage)
    {
        var task = Current.Options.Tasks[stage.Stage - 1].Name;
        if (done == 0 || awaited is not null)
        {
            if (done == 0)
            {
                Tell(new ModelLoaded(Sha256));
            }
            else if (done % options.CheckpointEvery == 0 && done < options.Steps)
            {
                Tell(new CheckpointWritten(stage.Stage, done, RunPaths.Checkpoint(stage.Stage, task, done), Sha256));
            }

            Tell(
                new TrainingProgressed(new TrainingProgress(stage.Stage, task, done, options.Steps, 0, 1, new StepFigures(0.5, 1e-4), 1000))
            );
        }

        if (done++ < options.Steps)
        {
            awaited = gpu!.Compute(options.StepSeconds);
            return true;
        }

        Deliver(
            new AdapterWritten(
                stage,
                RunPaths.Adapter(stage.Stage, task),
                Sha256,
                Sha256,
                options.Steps,
                0.5,
                1000L * options.Steps,
                options.Steps * options.StepSeconds
            )
            {
                FolderSha256 = Sha256,
                Computation = Computed(1),
            }
        );
        return false;
    }

    private bool Answer(AnswerShard shard)
    {
        var all = SamplesOf(shard);
        if (done > 0)
        {
            Tell(new EvaluationProgressed(shard.Stage, shard.Task, shard.Shard, done));
        }

        if (done < all)
        {
            var batch = Math.Min(options.BatchSize, all - done);
            (before, done) = (done, done + batch);
            awaited = gpu!.Compute(batch * options.AnswerSeconds * slower);
            return true;
        }

        var file = RunPaths.Shard(shard.Stage, Current.Options.Tasks[shard.Task].Name, shard.Shard, shard.Shards, "");
        Deliver(new ShardWritten(shard, file, Sha256, all, all * options.AnswerSeconds) { Computation = Computed(1) });
        return false;
    }

    private bool Judge(JudgeCell cell)
    {
        var seconds = (int)Math.Ceiling(options.JudgeSeconds);
        if (done > 0)
        {
            Tell(new JudgingProgressed(cell.Stage, cell.Task, cell.Judge, options.Samples * done / seconds));
        }

        if (done++ < seconds)
        {
            awaited = Passed(options.JudgeSeconds / seconds);
            return true;
        }

        var file = RunPaths.Judgements(cell.Judge, cell.Stage, Current.Options.Tasks[cell.Task].Name);
        Deliver(new JudgementsWritten(cell, 50, 50, options.Samples, 0, file, Sha256));
        return false;
    }

    private int SamplesOf(AnswerShard shard) => Math.Min(options.ShardSize, options.Samples - (shard.Shard * options.ShardSize));

    private Task Passed(double seconds)
    {
        var passed = new TaskCompletionSource();
        clock.After(TimeSpan.FromSeconds(seconds), passed.SetResult);
        return passed.Task;
    }
}
