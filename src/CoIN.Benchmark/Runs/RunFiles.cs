using CoIN.Benchmark.Files;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Learning;

namespace CoIN.Benchmark.Runs;

/// <summary>The files that events name.</summary>
public static class RunFiles
{
    /// <summary>Checks everything that the remaining work needs against the hashes in the journal.</summary>
    /// <exception cref="CoinException">A file is missing or is not the one that was written; the message names it.</exception>
    public static void Verify(string runFolder, RunState state)
    {
        foreach (var (_, checkpoint) in state.Checkpoints)
        {
            var folder = Path.Combine(runFolder, checkpoint.Folder);
            Require(
                Directory.Exists(folder) && Durable.Sha256OfFolder(folder) == checkpoint.Sha256, folder,
                "Restore it from a copy. (The stage can also be trained from its start in a new run.)");
        }

        foreach (var (_, stage) in state.Trained)
        {
            RequireFile(runFolder, $"{stage.Folder}/{AdapterFiles.Weights}", stage.AdapterSha256);
            if (stage.ProjectorSha256 is not null)
            {
                RequireFile(runFolder, $"{stage.Folder}/{AdapterFiles.Projector}", stage.ProjectorSha256);
            }
        }

        foreach (var shard in state.Shards.Values)
        {
            RequireFile(runFolder, shard.File, shard.Sha256);
        }

        foreach (var cell in state.Cells.Values)
        {
            if (cell.ScoresFile is not null)
            {
                RequireFile(runFolder, cell.ScoresFile, cell.ScoresSha256!, $"Make it anew from the predictions: ./run.sh rescore {state.Started!.RunId}");
            }
        }

        VerifyJudged(runFolder, state);
    }

    /// <summary>Checks what judges need: predictions, and what was judged before.</summary>
    /// <exception cref="CoinException">As in <see cref="Verify"/>.</exception>
    public static void VerifyJudged(string runFolder, RunState state)
    {
        foreach (var cell in state.Cells.Values)
        {
            RequireFile(runFolder, cell.File, cell.Sha256);
        }

        foreach (var judged in state.Judgements.Values)
        {
            RequireFile(
                runFolder, judged.File, judged.Sha256,
                judged.Kind == JudgeKind.People
                    ? $"Read the scores again: ./run.sh judge import {state.Started!.RunId} …"
                    : $"Restore it from a copy, or judge again under another name: ./run.sh judge run {state.Started!.RunId} --set judge.name=…");
        }
    }

    /// <summary>Deletes a stage's checkpoints.</summary>
    /// <param name="before">Only those of fewer steps than this one, relative to the run's folder; null for all. A later one may just be being written.</param>
    public static void DeleteCheckpoints(string runFolder, int stage, string task, string? before)
    {
        var folder = Path.Combine(runFolder, RunPaths.Checkpoints(stage, task));
        if (!Directory.Exists(folder))
        {
            return;
        }

        if (before is null)
        {
            Directory.Delete(folder, recursive: true);
            return;
        }

        foreach (var old in Directory.EnumerateDirectories(folder).Where(path =>
            string.CompareOrdinal(Path.GetFileName(path), Path.GetFileName(before)) < 0).ToList())
        {
            Directory.Delete(old, recursive: true);
        }
    }

    public static void Delete(string runFolder, IEnumerable<string> files)
    {
        foreach (var file in files)
        {
            File.Delete(Path.Combine(runFolder, file));
        }
    }

    /// <summary>Checks that a file is the one that was written.</summary>
    /// <exception cref="CoinException">It is missing or another one.</exception>
    public static void RequireFile(string runFolder, string file, string sha256, string remedy = "Restore it from a copy, or start a new run.")
    {
        var path = Path.Combine(runFolder, file);
        Require(File.Exists(path) && Durable.Sha256(path) == sha256, path, remedy);
    }

    private static void Require(bool whole, string path, string remedy)
    {
        if (!whole)
        {
            var what = File.Exists(path) || Directory.Exists(path) ? "is not as the journal says it was written (its SHA-256 differs)" : "is missing";
            throw new CoinException($"{path} {what}. {remedy}");
        }
    }

    /// <summary>Deletes what an event made superfluous: a process may end between the event and the deletion.</summary>
    public static void DeleteSpent(string runFolder, RunState state)
    {
        foreach (var (stage, trained) in state.Trained)
        {
            DeleteCheckpoints(runFolder, stage, trained.Task, before: null);
        }

        foreach (var (stage, task) in state.Cells.Keys)
        {
            var cell = Path.Combine(runFolder, RunPaths.Predictions(stage, state.TaskNames[task]));
            if (Path.GetDirectoryName(cell) is { } folder && Directory.Exists(folder))
            {
                Array.ForEach(Directory.GetFiles(folder, $"{Path.GetFileNameWithoutExtension(cell)}.shard-*-of-*.jsonl"), File.Delete);
            }
        }
    }
}
