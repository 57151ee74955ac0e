using System.Globalization;
using CoIN.Benchmark;
using CoIN.Benchmark.Runs;
using CoIN.Benchmark.Scoring;

namespace CoIN.Actors.Journal;

/// <summary>What an event can say at its place: a journal with impossible numbers is damaged, whatever its form.</summary>
internal static class JournalRules
{
    // Sums of parts may come out a little over the whole.
    private const double Rounding = 1e-6;

    /// <exception cref="CoinException">The event says what cannot be; the message names its number.</exception>
    public static void Check(string path, RunState before, IRunEvent happened)
    {
        if (Fault(before, happened) is { } fault)
        {
            throw new CoinException($"The journal {path} is damaged: event {happened.Number} says {fault}. {Remedy(path)}")
            {
                IsFinal = true,
            };
        }
    }

    /// <summary>What helps against a damaged journal.</summary>
    public static string Remedy(string path) =>
        $"Put back a copy of the journal, or do the experiment anew: ./run.sh run {Path.Combine(Path.GetDirectoryName(path)!, RunPaths.Settings)}";

    private static string? Fault(RunState before, IRunEvent happened) =>
        happened switch
        {
            RunStarted started => Start(before, started),
            _ when before.Started is null => "what happened to a run that has not begun",
            StageBegun begun => Stage(before, begun.Stage) ?? Count("restarts", begun.Restarts),
            CheckpointSaved saved => Stage(before, saved.Stage) ?? Count("step", saved.Step) ?? File(saved.Folder, saved.Sha256),
            StageTrained trained => Trained(before, trained),
            ShardAnswered shard => Cell(before, shard.Stage, shard.Task)
                ?? (shard.Shard < 0 || shard.Shard >= shard.Shards ? Text($"part {shard.Shard + 1} of {shard.Shards}") : null)
                ?? Samples(before, shard.Task, shard.Samples)
                ?? Number("seconds", shard.Seconds)
                ?? File(shard.File, shard.Sha256),
            CellScored cell => Cell(before, cell.Stage, cell.Task)
                ?? Accuracy(before, cell.Task, "accuracy", cell.Accuracy)
                ?? Samples(before, cell.Task, cell.Samples)
                ?? Accuracy(before, cell.Task, "corrected accuracy", cell.Corrected)
                ?? Samples(before, cell.Task, cell.CorrectedSamples)
                ?? File(cell.File, cell.Sha256)
                ?? (cell.ScoresFile is null ? null : File(cell.ScoresFile, cell.ScoresSha256)),
            CellRescored cell => Known(before, cell.Stage, cell.Task)
                ?? Accuracy(before, cell.Task, "accuracy", cell.Accuracy)
                ?? Samples(before, cell.Task, cell.Samples)
                ?? Accuracy(before, cell.Task, "corrected accuracy", cell.Corrected)
                ?? Samples(before, cell.Task, cell.CorrectedSamples)
                ?? File(cell.ScoresFile, cell.ScoresSha256),
            // The reference's rule takes whatever number a judge writes: it has no upper end.
            CellJudged cell => Known(before, cell.Stage, cell.Task)
                ?? Number("Reasoning Capability", cell.Published)
                ?? Percent("corrected Reasoning Capability", cell.Corrected)
                ?? Samples(before, cell.Task, cell.Samples)
                ?? Count("replies without score", cell.Unparsable)
                ?? File(cell.File, cell.Sha256)
                ?? (string.IsNullOrEmpty(cell.Judge) ? "no name of a judge" : null),
            JudgeAppointed { Judge: null } => "no judge",
            JudgeDismissed { Judge: null } => "no judge",
            StageDiscarded discarded => Stage(before, discarded.Stage),
            CheckpointDiscarded discarded => Stage(before, discarded.Stage),
            CellDiscarded discarded => Cell(before, discarded.Stage, discarded.Task),
            JudgementDiscarded discarded => Known(before, discarded.Stage, discarded.Task),
            _ => null,
        };

    private static string? Start(RunState before, RunStarted started)
    {
        if (before.Started is not null)
        {
            return $"that a run {started.RunId} began within the run {before.Started.RunId}";
        }

        var tasks = started.Options?.Tasks?.Count ?? 0;
        return string.IsNullOrEmpty(started.RunId) || tasks == 0 || started.DataSha256 is null ? "nothing of the experiment"
            : started.TrainingSamples?.Count != tasks || started.TestSamples?.Count != tasks
                ? Text($"other numbers of samples than of the {tasks} tasks")
            : started
                .TrainingSamples.Concat(started.TestSamples)
                .Where(count => count < 0)
                .Select(count => Count("samples", count))
                .FirstOrDefault();
    }

    private static string? Trained(RunState before, StageTrained trained) =>
        Stage(before, trained.Stage)
        ?? (
            trained.Stage != before.Curriculum.Trained.FirstOrDefault(stage => !before.Trained.ContainsKey(stage.Number))?.Number
                ? Text($"that stage {trained.Stage} was trained after {before.Trained.Count} stages")
                : null
        )
        ?? (
            before.Curriculum.Stage(trained.Stage).Name is var name && trained.Task != name
                ? $"that stage {trained.Stage} is {trained.Task}, where the run has {name}"
                : null
        )
        ?? Count("steps", trained.Steps)
        ?? Number("loss", trained.FinalLoss)
        ?? (trained.Tokens < 0 ? Text($"tokens {trained.Tokens}") : null)
        ?? Number("seconds", trained.Seconds)
        ?? File(trained.Folder, trained.AdapterSha256);

    private static string? Stage(RunState before, int stage) =>
        before.Curriculum.Trained is var stages && stages.All(known => known.Number != stage)
            ? Text($"stage {stage} of {stages.Count}")
            : null;

    private static string? Cell(RunState before, int stage, int task) =>
        (stage == 0 ? null : Stage(before, stage))
        ?? (task < 0 || task >= before.Options.Tasks.Count ? Text($"task {task + 1} of {before.Options.Tasks.Count}") : null)
        ?? (
            before.Curriculum.Cells.Contains((stage, task))
                ? null
                : Text($"a test on task {task + 1} after stage {stage}, which is none of the run's")
        );

    private static string? Known(RunState before, int stage, int task) =>
        Cell(before, stage, task)
        ?? (
            before.Cells.ContainsKey((stage, task))
                ? null
                : Text($"something of stage {stage} on task {task + 1}, which has no predictions")
        );

    private static string? Samples(RunState before, int task, int? count) =>
        count is { } known && (known < 0 || known > before.Started!.TestSamples[task])
            ? Text($"{known} samples of {before.Started!.TestSamples[task]}")
            : null;

    private static string? Percent(string what, double? value, double highest = 100) =>
        value is { } known && !(known >= 0 && known <= highest + Rounding)
            ? Text($"{what} {known}, and percentages go from 0 to {highest}")
            : null;

    /// <summary>A percentage by the rule of a task: CIDEr's goes beyond 100.</summary>
    private static string? Accuracy(RunState before, int task, string what, double? value) =>
        before.Options.Tasks[task].Scorer is var key && Scorers.Keys.Contains(key)
            ? Percent(what, value, 100 * Scorers.Of(key).Highest)
            : Percent(what, value);

    private static string? Number(string what, double value) => double.IsFinite(value) && value >= 0 ? null : Text($"{what} {value}");

    private static string? Count(string what, int value) => value >= 0 ? null : Text($"{what} {value}");

    /// <summary>Paths in events stay inside the run's folder.</summary>
    private static string? File(string? path, string? sha256) =>
        string.IsNullOrEmpty(path) || string.IsNullOrEmpty(sha256) ? "no file"
        : Path.IsPathRooted(path) || path.Split('/', '\\').Contains("..") ? $"the file {path}, which is not in the run's folder"
        : null;

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
