using Akka.Actor;
using CoIN.Benchmark.Runs;

namespace CoIN.Actors.Scheduling;

/// <summary>Who works at what, for people.</summary>
internal static class WorkersAtWork
{
    public static List<WorkerProgress> Of(WorkInHand inHand, RunState state) =>
        [
            .. inHand
                .Begun.Select(one => new WorkerProgress(
                    one.Worker.Path.Name,
                    HostOf(one.Worker),
                    Doing(inHand.ItemOf(one.Turn, one.Worker)!, state)
                ))
                .OrderBy(worker => worker.Name, StringComparer.Ordinal),
        ];

    /// <summary>The node of a worker, or this computer.</summary>
    public static string HostOf(IActorRef worker) =>
        worker.Path.Address is { Host: { } host, Port: var port } ? $"{host}:{port}" : Environment.MachineName;

    /// <summary>A piece of work in words.</summary>
    public static string Doing(WorkItem item, RunState state) =>
        item switch
        {
            TrainStage train => $"trains stage {train.Stage} ({state.Curriculum.Stage(train.Stage).Name})"
                + (train.Team is { } team ? $", {team.Rank + 1} of {team.Trainers}" : ""),
            AnswerShard shard => $"answers {state.TaskNames[shard.Task]} {After(shard.Stage)}, part {shard.Shard + 1} of {shard.Shards}",
            ScoreCell cell => $"scores {state.TaskNames[cell.Task]} {After(cell.Stage)}",
            JudgeCell cell => $"{cell.Judge} judges {state.TaskNames[cell.Task]} {After(cell.Stage)}",
            _ => item.GetType().Name,
        };

    private static string After(int stage) => stage == 0 ? "with the base model" : $"after stage {stage}";
}
