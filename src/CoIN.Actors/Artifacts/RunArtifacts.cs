using CoIN.Actors.Protocol;
using CoIN.Benchmark.Routing;
using CoIN.Benchmark.Runs;
using static CoIN.Actors.Protocol.WorkProtocol;

namespace CoIN.Actors.Artifacts;

/// <summary>Which artifacts a run has, what a piece of work needs of them, and which ones a report brings.</summary>
internal static class RunArtifacts
{
    /// <summary>Files of a run's folder that no event names and that make it tell everything by itself.</summary>
    public static IReadOnlyList<string> Loose { get; } = [RunPaths.Settings, RunPaths.Images];

    /// <summary>Everything that the journal names.</summary>
    public static IReadOnlyList<Artifact> Of(RunState state) =>
        state.Started is null
            ? []
            :
            [
                .. state.Started.ImagesSha256 is { } images ? [File(RunPaths.Images, images)] : Array.Empty<Artifact>(),
                .. state.Checkpoints.Values.Select(one => Checkpoint(state, one.Stage, one.Folder, one.Sha256)),
                .. state.Trained.Values.Select(one => Adapter(state, one.Stage, one.Folder, one.FolderSha256)).OfType<Artifact>(),
                .. state.Shards.Values.Select(one => Shard(one.File, one.Sha256)),
                .. state.Cells.Values.SelectMany(cell =>
                    Cell(state, cell.Stage, cell.Task, cell.File, cell.Sha256, cell.ScoresFile, cell.ScoresSha256)
                ),
                .. state.Judgements.Values.Select(one => File(one.File, one.Sha256)),
            ];

    /// <summary>What tells how a run went: its answers and marks, and no adapters.</summary>
    public static IReadOnlyList<Artifact> Results(RunState state) =>
        [.. state.Cells.Values.SelectMany(cell => Of(cell, state)), .. state.Judgements.Values.Select(one => File(one.File, one.Sha256))];

    /// <summary>The steps of a run's trainings, which no event names.</summary>
    public static IReadOnlyList<string> Steps(RunState state) => [.. state.Trained.Keys.SelectMany(stage => Steps(state, stage))];

    /// <summary>What a worker's report says it has written.</summary>
    public static IReadOnlyList<Artifact> Of(WorkReport report, RunState state) =>
        report switch
        {
            CheckpointWritten one => [Checkpoint(state, one.Stage, one.Folder, one.Sha256)],
            AdapterWritten one => Adapter(state, one.Stage.Stage, one.Folder, one.FolderSha256) is { } adapter ? [adapter] : [],
            ShardWritten one => [Shard(one.File, one.Sha256)],
            CellWritten one => [.. Cell(state, one.Cell.Stage, one.Cell.Task, one.File, one.Sha256, one.ScoresFile, one.ScoresSha256)],
            JudgementsWritten one => [File(one.File, one.Sha256)],
            _ => [],
        };

    /// <summary>What belongs to a result that another run may take over.</summary>
    public static IReadOnlyList<Artifact> Of(RunEvent result, RunState state) =>
        result switch
        {
            StageTrained one => Adapter(state, one.Stage, one.Folder, one.FolderSha256) is { } adapter ? [adapter] : [],
            CellScored one => [.. Cell(state, one.Stage, one.Task, one.File, one.Sha256, one.ScoresFile, one.ScoresSha256)],
            _ => [],
        };

    /// <summary>What a piece of work needs; null where the journal, as it is known here, does not name all of it.</summary>
    public static IReadOnlyList<Artifact>? For(WorkItem item, RunState state)
    {
        Artifact?[] needed = item switch
        {
            TrainStage stage =>
            [
                .. stage.Adapter is null ? [] : new[] { Adapter(state, stage.Adapter) },
                .. stage.Checkpoint is null ? [] : new[] { Checkpoint(state, stage.Stage, stage.Checkpoint) },
            ],
            AnswerShard { Adapter: { } adapter } => [Adapter(state, adapter)],
            ScoreCell cell => [.. cell.Files.Items.Select(file => Shard(state, file))],
            JudgeCell cell =>
            [
                state.Cells.GetValueOrDefault((cell.Stage, cell.Task)) is { } one && one.File == cell.File
                    ? File(one.File, one.Sha256)
                    : null,
            ],
            _ => [],
        };
        return needed.Any(one => one is null) ? null : [.. needed.OfType<Artifact>()];
    }

    private static Artifact? Adapter(RunState state, string folder) =>
        state.Trained.Values.FirstOrDefault(one => one.Folder == folder) is { } trained
            ? Adapter(state, trained.Stage, trained.Folder, trained.FolderSha256)
            : null;

    private static Artifact? Adapter(RunState state, int stage, string folder, string? sha256) =>
        sha256 is null ? null : new Artifact(folder, sha256, IsFolder: true) { Beside = Steps(state, stage) };

    private static Artifact? Checkpoint(RunState state, int stage, string folder) =>
        state.Checkpoints.GetValueOrDefault(stage) is { } saved && saved.Folder == folder
            ? Checkpoint(state, stage, folder, saved.Sha256)
            : null;

    private static Artifact Checkpoint(RunState state, int stage, string folder, string sha256) =>
        new(folder, sha256, IsFolder: true) { Beside = Steps(state, stage) };

    private static Artifact? Shard(RunState state, string file) =>
        state.Shards.Values.FirstOrDefault(one => one.File == file) is { } shard ? Shard(shard.File, shard.Sha256) : null;

    private static Artifact Shard(string file, string sha256) => new(file, sha256, IsFolder: false) { Beside = [RoutingFile.Beside(file)] };

    private static IEnumerable<Artifact> Cell(
        RunState state,
        int stage,
        int task,
        string file,
        string sha256,
        string? scores,
        string? scoresSha256
    )
    {
        yield return new Artifact(file, sha256, IsFolder: false) { Beside = [RunPaths.Routing(stage, state.TaskNames[task])] };
        if (scores is not null && scoresSha256 is not null)
        {
            yield return File(scores, scoresSha256);
        }
    }

    private static Artifact File(string file, string sha256) => new(file, sha256, IsFolder: false);

    private static IReadOnlyList<string> Steps(RunState state, int stage) => [RunPaths.Steps(stage, state.Curriculum.Stage(stage).Name)];
}
