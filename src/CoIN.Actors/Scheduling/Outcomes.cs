using CoIN.Benchmark.Runs;
using static CoIN.Actors.Protocol.WorkProtocol;

namespace CoIN.Actors.Scheduling;

/// <summary>What the end of a piece of work means for the run.</summary>
internal static class Outcomes
{
    /// <summary>The event to write; null where the run has that already, or has no use for it.</summary>
    public static RunEvent? EventOf(Outcome outcome, RunState state) => outcome switch
    {
        AdapterWritten written => EventOf(written, state),
        ShardWritten written => EventOf(written, state),
        CellWritten written => EventOf(written, state),
        JudgementsWritten written => EventOf(written, state),
        _ => null,
    };

    private static StageTrained? EventOf(AdapterWritten written, RunState state) => state.Trained.ContainsKey(written.Stage.Stage)
        ? null
        : new StageTrained(
            written.Stage.Stage, state.Curriculum.Stage(written.Stage.Stage).Name, written.Folder, written.AdapterSha256, written.ProjectorSha256, written.Steps,
            written.FinalLoss, written.Tokens, written.Seconds)
        {
            FolderSha256 = written.FolderSha256,
        };

    private static ShardAnswered? EventOf(ShardWritten written, RunState state)
    {
        var shard = written.Shard;
        return state.Cells.ContainsKey((shard.Stage, shard.Task)) || state.Shards.ContainsKey((shard.Stage, shard.Task, shard.Shard))
            ? null
            : new ShardAnswered(shard.Stage, shard.Task, shard.Shard, shard.Shards, written.File, written.Sha256, written.Samples, written.Seconds);
    }

    private static CellScored? EventOf(CellWritten written, RunState state)
    {
        var cell = written.Cell;
        return state.Cells.ContainsKey((cell.Stage, cell.Task))
            ? null
            : new CellScored(cell.Stage, cell.Task, written.Accuracy, written.Samples, written.File, written.Sha256)
            {
                Corrected = written.Corrected,
                CorrectedSamples = written.CorrectedSamples,
                ScoresFile = written.ScoresFile,
                ScoresSha256 = written.ScoresSha256,
            };
    }

    private static CellJudged? EventOf(JudgementsWritten written, RunState state)
    {
        var cell = written.Cell;
        var known = state.Judgements.GetValueOrDefault((cell.Stage, cell.Task, cell.Judge))?.Identity == cell.Identity;
        return known || !state.Judges.TryGetValue(cell.Judge, out var judge)
            ? null
            : new CellJudged(
                cell.Stage, cell.Task, cell.Judge, judge.Kind, judge.Model ?? judge.Path, cell.Identity, written.Published, written.Corrected, written.Samples,
                written.Unparsable, written.File, written.Sha256)
            {
                Unscored = written.Unscored is { Count: > 0 } unscored ? unscored : null,
            };
    }
}
