using System.Globalization;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Learning;

namespace CoIN.Benchmark.Runs;

/// <summary>Something that the journal names and that is missing, or is not what was written.</summary>
/// <param name="Path">Absolute.</param>
/// <param name="Missing">It is not there at all.</param>
/// <param name="Discard">The event by which the run does it again; null where that is not how it comes back.</param>
/// <param name="Remedy">How else it comes back.</param>
public sealed record RunDamage(string Path, bool Missing, RunEvent? Discard, string Remedy)
{
    private const int Named = 5;
    private const string Restore = "Restore it from a copy";

    private string What => $"{Path} {(Missing ? "is missing" : "is not as the journal says it was written (its SHA-256 differs)")}";

    /// <summary>Everything that is damaged, in the order of the work.</summary>
    /// <param name="testAgain">Whether a cell whose scores alone are damaged is tested again; it is rescored by hand otherwise.</param>
    public static IEnumerable<RunDamage> Find(string runFolder, RunState state, bool testAgain = false)
    {
        foreach (var checkpoint in state.Checkpoints.Values.OrderBy(one => one.Stage))
        {
            var folder = System.IO.Path.Combine(runFolder, checkpoint.Folder);
            if (!Directory.Exists(folder) || Durable.Sha256OfFolder(folder) != checkpoint.Sha256)
            {
                yield return OfCheckpoint(folder, checkpoint);
            }
        }

        foreach (var stage in state.Trained.Values)
        {
            foreach (var damage in OfAdapter(runFolder, stage))
            {
                yield return damage;
            }
        }

        foreach (var shard in state.Shards.Values.OrderBy(one => (one.Stage, one.Task, one.Shard)))
        {
            if (OfFile(runFolder, shard.File, shard.Sha256, what => new CellDiscarded(shard.Stage, shard.Task, what)) is { } answers)
            {
                yield return answers;
            }
        }

        foreach (var cell in InOrder(state))
        {
            var rescore = $"Make it anew from the predictions: ./run.sh rescore {RunPaths.NameOf(runFolder)}";
            if (
                cell.ScoresFile is not null
                && OfCell(runFolder, cell) is null
                && OfFile(
                    runFolder,
                    cell.ScoresFile,
                    cell.ScoresSha256!,
                    testAgain ? what => new CellDiscarded(cell.Stage, cell.Task, what) : null,
                    rescore
                )
                    is { } scores
            )
            {
                yield return scores;
            }
        }

        foreach (var damage in FindJudged(runFolder, state))
        {
            yield return damage;
        }
    }

    /// <summary>Checkpoints within a stage that are not there any more.</summary>
    public static IEnumerable<RunDamage> LostCheckpoints(string runFolder, RunState state) =>
        state
            .Checkpoints.Values.OrderBy(one => one.Stage)
            .Select(checkpoint => (Folder: System.IO.Path.Combine(runFolder, checkpoint.Folder), Checkpoint: checkpoint))
            .Where(one => !Directory.Exists(one.Folder))
            .Select(one => OfCheckpoint(one.Folder, one.Checkpoint));

    /// <summary>What is damaged of predictions and judgements.</summary>
    public static IEnumerable<RunDamage> FindJudged(string runFolder, RunState state)
    {
        foreach (var cell in InOrder(state))
        {
            if (OfCell(runFolder, cell) is { } predictions)
            {
                yield return predictions;
            }
        }

        foreach (
            var judged in state.Judgements.Values.OrderBy(one => (one.Stage, one.Task)).ThenBy(one => one.Judge, StringComparer.Ordinal)
        )
        {
            var people = judged.Kind == JudgeKind.People;
            var damage = OfFile(
                runFolder,
                judged.File,
                judged.Sha256,
                people ? null : what => new JudgementDiscarded(judged.Stage, judged.Task, judged.Judge, what),
                people ? $"Read the scores again: ./run.sh judge import {RunPaths.NameOf(runFolder)} …" : Restore
            );
            if (damage is not null)
            {
                yield return damage;
            }
        }
    }

    /// <summary>
    /// What is damaged of a stage's adapter: its files one by one, then its folder, which must hold these and no others: what is read first
    /// might be one of those.
    /// </summary>
    public static IEnumerable<RunDamage> OfAdapter(string runFolder, StageTrained stage)
    {
        RunEvent Discard(string what) => new StageDiscarded(stage.Stage, what);
        var folder = System.IO.Path.Combine(runFolder, stage.Folder);
        var files = Directory.Exists(folder) ? Durable.Sha256OfFiles(folder) : new Dictionary<string, string>();
        var damaged = new[]
        {
            (Name: AdapterFiles.Weights, Sha256: stage.AdapterSha256),
            (Name: AdapterFiles.Projector, Sha256: stage.ProjectorSha256!),
        }
            .Where(file => file.Sha256 is not null && files.GetValueOrDefault(file.Name) != file.Sha256)
            .Select(file => file.Name)
            .ToList();
        if (damaged.Count > 0 || stage.FolderSha256 is null || Durable.Sha256Of(files) == stage.FolderSha256)
        {
            return damaged.Select(name => Of(System.IO.Path.Combine(folder, name), Discard));
        }

        var foreign = files.Keys.Except(AdapterFiles.OfStages, StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
        if (foreign.Count > 0)
        {
            return [Of(folder, null, $"Remove what the run did not write there: {string.Join(", ", foreign)}")];
        }

        // The journal has the folder's sum and not its files': with a method's state beside it, any of them may be the one.
        return [Of(files.ContainsKey(AdapterFiles.MethodValues) ? folder : System.IO.Path.Combine(folder, AdapterFiles.Config), Discard)];
    }

    /// <summary>What is damaged of a cell's predictions, or null.</summary>
    public static RunDamage? OfCell(string runFolder, CellScored cell) =>
        OfFile(runFolder, cell.File, cell.Sha256, what => new CellDiscarded(cell.Stage, cell.Task, what));

    /// <summary>Names what is damaged, and what helps.</summary>
    /// <exception cref="CoinException">Something is damaged.</exception>
    public static void Refuse(string runFolder, RunState state, IReadOnlyList<RunDamage> damages)
    {
        if (damages.Count == 0)
        {
            return;
        }

        var more = damages.Count > Named ? $" {Plural.Of(damages.Count - Named, "more file is", "more files are")} damaged too." : "";
        var events = damages.Select(damage => damage.Discard).OfType<RunEvent>().ToList();
        var redo =
            events.Count == 0
                ? ""
                : $", or let the run do again what is lost ({Again(state, events)}): ./run.sh resume {RunPaths.NameOf(runFolder)} --redo";
        var remedies = damages
            .Where(damage => damage.Discard is null)
            .Select(damage => damage.Remedy + ".")
            .Distinct(StringComparer.Ordinal);
        throw new CoinException(
            string.Join(" ", damages.Take(Named).Select(damage => damage.What + "."))
                + more
                + " "
                + string.Join(
                    " ",
                    (
                        events.Count > 0 ? [(damages.Count > 1 ? "Restore them from a copy" : Restore) + redo + "."] : Array.Empty<string>()
                    ).Concat(remedies)
                )
        )
        {
            IsFinal = true,
        };
    }

    /// <summary>What events that discard cost, in words.</summary>
    public static string Again(RunState state, IReadOnlyList<RunEvent> events)
    {
        var after = state.After(events);
        var parts = new[]
        {
            (state.Trained.Count - after.Trained.Count, "stage", "stages", "trained"),
            (
                state.Checkpoints.Count - after.Checkpoints.Count,
                "stage that was under way",
                "stages that were under way",
                "trained from the start"
            ),
            (state.Cells.Count - after.Cells.Count, "cell", "cells", "tested"),
            (state.Shards.Count - after.Shards.Count, "part of a cell", "parts of cells", "answered"),
            (state.Judgements.Count - after.Judgements.Count, "cell", "cells", "judged"),
        };
        return string.Join(
            ", ",
            parts
                .Where(part => part.Item1 > 0)
                .Select(part =>
                    string.Create(CultureInfo.InvariantCulture, $"{part.Item1} {(part.Item1 == 1 ? part.Item2 : part.Item3)} {part.Item4}")
                )
        );
    }

    private static RunDamage OfCheckpoint(string folder, CheckpointSaved checkpoint) =>
        Of(folder, what => new CheckpointDiscarded(checkpoint.Stage, what));

    private static RunDamage? OfFile(string runFolder, string file, string sha256, Func<string, RunEvent>? discard, string remedy = Restore)
    {
        var path = System.IO.Path.Combine(runFolder, file);
        return File.Exists(path) && Durable.Sha256(path) == sha256 ? null : Of(path, discard, remedy);
    }

    private static RunDamage Of(string path, Func<string, RunEvent>? discard, string remedy = Restore)
    {
        var damage = new RunDamage(path, !File.Exists(path) && !Directory.Exists(path), null, remedy);
        return damage with { Discard = discard?.Invoke(damage.What) };
    }

    private static IEnumerable<CellScored> InOrder(RunState state) =>
        state.Cells.Values.OrderBy(cell => cell.Stage).ThenBy(cell => cell.Task);
}
