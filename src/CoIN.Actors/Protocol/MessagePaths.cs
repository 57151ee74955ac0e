using CoIN.Benchmark.Runs;
using static CoIN.Actors.Protocol.WorkProtocol;

namespace CoIN.Actors.Protocol;

/// <summary>The paths that messages name, all of them relative to the run's folder.</summary>
internal static class MessagePaths
{
    public static IEnumerable<string> Of(WorkItem item) =>
        item switch
        {
            TrainStage stage => Named(stage.Adapter, stage.Checkpoint),
            AnswerShard shard => Named(shard.Adapter),
            ScoreCell cell => cell.Files.Items,
            JudgeCell cell => [cell.File],
            _ => [],
        };

    public static IEnumerable<string> Of(IMessage message) =>
        message switch
        {
            CheckpointWritten written => [written.Folder],
            AdapterWritten written => [.. Of(written.Stage), written.Folder],
            ShardWritten written => [.. Of(written.Shard), written.File],
            CellWritten written => [.. Of(written.Cell), .. Named(written.File, written.ScoresFile)],
            JudgementsWritten written => [.. Of(written.Cell), written.File],
            CheckpointLost lost => [lost.Folder],
            SharingProtocol.Made made => Named(made.Stage?.Folder, made.Cell?.File, made.Cell?.ScoresFile),
            _ => [],
        };

    private static IEnumerable<string> Named(params string?[] paths) => paths.OfType<string>();
}
