using Akka.Actor;
using CoIN.Actors.Protocol;
using CoIN.Actors.Workers;
using CoIN.Benchmark.Runs;
using static CoIN.Actors.Protocol.WorkProtocol;

namespace CoIN.Actors.Tests.Support;

/// <summary>What a simulated worker was made to do; its steps wait until they are let.</summary>
internal sealed class Doings
{
    private readonly Queue<TaskCompletionSource> steps = new();

    public List<Turn> Opened { get; } = [];

    public int Left { get; set; }

    public int Closed { get; set; }

    /// <summary>What the next step does; it goes on by itself.</summary>
    public Func<Task> Wait { get; init; } = () => Task.CompletedTask;

    public string Device { get; init; } = "cpu";

    public bool OthersMayTry { get; init; }

    /// <summary>Steps of every item.</summary>
    public int Steps { get; init; } = 1;

    public Exception? Fault { get; init; }

    public Task Hold()
    {
        var step = new TaskCompletionSource();
        steps.Enqueue(step);
        return step.Task;
    }

    public bool Release()
    {
        var any = steps.TryDequeue(out var step);
        step?.SetResult();
        return any;
    }
}

/// <summary>A worker without a model: it counts steps, and writes a checkpoint's folder after each.</summary>
internal class SimulatedWorker(IActorRef scheduler, Skill skill, Doings doings) : Worker(scheduler, skill, doings.Device)
{
    private int step;

    protected override Task? Awaited => doings.Wait();

    protected override bool OthersMayTry => doings.OthersMayTry;

    protected override (int Stage, string Task) Subject(Assignment assignment) => doings.Fault is { } fault ? throw fault : (1, "t");

    protected override void Open()
    {
        doings.Opened.Add(Current.Turn);
        step = 0;
        if (Current.Item is TrainStage { Checkpoint: { } checkpoint })
        {
            step = Directory.Exists(PathOf(checkpoint))
                ? int.Parse(checkpoint[^6..])
                : throw new CoIN.Benchmark.CoinException($"{checkpoint} is gone");
        }
    }

    protected override bool Step()
    {
        if (step++ < doings.Steps)
        {
            if (Current.Item is TrainStage)
            {
                Checkpoint();
            }

            return true;
        }

        Deliver(
            Current.Item switch
            {
                TrainStage stage => new AdapterWritten(stage, "a", "ab", null, doings.Steps, 0, 0, 1),
                AnswerShard shard => new ShardWritten(shard, $"s{shard.Shard}", "ab", 1, 1),
                ScoreCell cell => new CellWritten(cell, 50, 1, "f", "ab"),
                JudgeCell cell => new JudgementsWritten(cell, 50, 50, 1, 0, "j", "ab"),
                var item => throw new InvalidOperationException($"{item}"),
            }
        );
        return false;
    }

    protected override void Leave() => doings.Left++;

    protected override void Close() => doings.Closed++;

    private void Checkpoint()
    {
        var stage = ((TrainStage)Current.Item).Stage;
        var folder = RunPaths.Checkpoint(stage, Current.Options.Tasks[stage - 1].Name, step);
        Directory.CreateDirectory(PathOf(folder));
        Tell(new CheckpointWritten(stage, step, folder, "ab"));
    }
}
