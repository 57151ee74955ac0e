using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Learning;
using CoIN.Benchmark.Routing;

namespace CoIN.Benchmark.Runs;

/// <summary>The files that events name.</summary>
public static class RunFiles
{
    /// <summary>Checks everything that the remaining work needs against the hashes in the journal.</summary>
    /// <exception cref="CoinException">A file is missing or is not the one that was written; the message names it.</exception>
    public static void Verify(string runFolder, RunState state) =>
        RunDamage.Refuse(runFolder, state, [.. RunDamage.Find(runFolder, state)]);

    /// <summary>
    /// Checks that the adapter with which a run was told to begin is still the one of its start, as long as something remains to be done
    /// with it.
    /// </summary>
    /// <param name="paths">Where this host has it.</param>
    /// <exception cref="CoinException">It is missing or another one.</exception>
    public static void VerifyGivenAdapter(RunState state, LocalPaths paths)
    {
        if (
            state.Options.Lora.From is not { } given
            || state.Started?.GivenAdapterSha256 is not { } sha256
            || !Plan.Pending(state).Any(item => item is TrainStage { Adapter: null } or AnswerShard { Adapter: null })
        )
        {
            return;
        }

        var folder = paths.Here(given);
        if (!Directory.Exists(folder) || AdapterFiles.Sha256(folder) != sha256)
        {
            throw new CoinException(
                $"The adapter {folder} (lora.from) is missing or not the one that this run began with. Put the former files back, or start a new run."
            );
        }
    }

    /// <summary>Checks what judges need: predictions, and what was judged before.</summary>
    /// <exception cref="CoinException">As in <see cref="Verify"/>.</exception>
    public static void VerifyJudged(string runFolder, RunState state) =>
        RunDamage.Refuse(runFolder, state, [.. RunDamage.FindJudged(runFolder, state)]);

    /// <summary>The test set as it was when the run began.</summary>
    /// <exception cref="CoinException">Its file is another one now.</exception>
    public static IReadOnlyList<TestSample> TestSet(RunState state, int index, IBenchmarkWork work)
    {
        var task = state.Options.Tasks[index];
        if (ChangedTestFile(state, task, work.Paths) is { } path)
        {
            throw new CoinException(
                $"{path} {(File.Exists(path) ? "has changed since the run began" : "does not exist any more")}. Put the former file back; "
                    + "to score the predictions against another file, use ./run.sh score."
            );
        }

        return work.Test(state.Options, task);
    }

    /// <summary>
    /// The path of a task's test or references file that is gone or another one than when the run began; null where none is.
    /// </summary>
    /// <param name="paths">Where this host has it.</param>
    internal static string? ChangedTestFile(RunState state, TaskOptions task, LocalPaths paths)
    {
        foreach (var name in new[] { task.TestFile, task.ReferencesFile }.OfType<string>())
        {
            var file = $"{task.Folder}/{name}";
            var path = Path.Combine(paths.Here(state.Options.Data.Instructions), file);
            if (state.Started!.DataSha256.TryGetValue(file, out var sha256) && (!File.Exists(path) || Durable.Sha256(path) != sha256))
            {
                return path;
            }
        }

        return null;
    }

    /// <summary>Deletes a stage's checkpoints.</summary>
    /// <param name="before">
    /// Only those of fewer steps than this one, relative to the run's folder; null for all. A later one may just be being written.
    /// </param>
    /// <param name="warn">Is told what cannot be deleted: nothing needs these files, so nothing fails by them.</param>
    public static void DeleteCheckpoints(string runFolder, int stage, string task, string? before, Action<string> warn)
    {
        var folder = Path.Combine(runFolder, RunPaths.Checkpoints(stage, task));
        if (!Directory.Exists(folder))
        {
            return;
        }

        if (before is null)
        {
            Discard(folder, path => Directory.Delete(path, recursive: true), warn);
            return;
        }

        Discard(
            folder,
            path =>
            {
                foreach (
                    var old in Directory
                        .EnumerateDirectories(path)
                        .Where(one => string.CompareOrdinal(Path.GetFileName(one), Path.GetFileName(before)) < 0)
                        .ToList()
                )
                {
                    Discard(old, one => Directory.Delete(one, recursive: true), warn);
                }
            },
            warn
        );
    }

    /// <summary>Deletes files that are not needed any more.</summary>
    /// <param name="warn">As in <see cref="DeleteCheckpoints"/>.</param>
    public static void Delete(string runFolder, IEnumerable<string> files, Action<string> warn)
    {
        foreach (var file in files)
        {
            Discard(Path.Combine(runFolder, file), File.Delete, warn);
            if (RoutingFile.Beside(Path.Combine(runFolder, file)) is var beside && File.Exists(beside))
            {
                Discard(beside, File.Delete, warn);
            }
        }
    }

    private static void Discard(string path, Action<string> delete, Action<string> warn)
    {
        try
        {
            delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            warn(
                $"{path} is not needed any more but cannot be deleted: {e.Message.TrimEnd('.')}. The run goes on without it; delete it by hand."
            );
        }
    }

    /// <summary>Checks that the predictions of a cell are those that were written.</summary>
    /// <exception cref="CoinException">They are missing or others.</exception>
    public static void RequirePredictions(string runFolder, RunState state, CellScored cell)
    {
        if (RunDamage.OfCell(runFolder, cell) is { } damage)
        {
            RunDamage.Refuse(runFolder, state, [damage]);
        }
    }

    /// <summary>Checks that a file is the one that was written.</summary>
    /// <exception cref="CoinException">It is missing or another one.</exception>
    public static void RequireFile(string runFolder, string file, string sha256)
    {
        var path = Path.Combine(runFolder, file);
        if (!File.Exists(path) || Durable.Sha256(path) != sha256)
        {
            throw new CoinException(
                $"{path} {(File.Exists(path) ? "has changed since it was written (its SHA-256 differs)" : "is missing")}. "
                    + "Restore it from a copy, or resume the run with --redo, which does again what is lost."
            );
        }
    }

    /// <summary>Gives an adapter that was written under the name of its assignment the name of its stage.</summary>
    /// <param name="written">Relative to the run's folder, as is <paramref name="place"/>.</param>
    /// <param name="sha256">Of the folder; one that stands in its place with this hash was put there before.</param>
    /// <exception cref="CoinException">It is not there, or cannot be moved.</exception>
    public static void PutInPlace(string runFolder, string written, string place, string? sha256)
    {
        var (from, to) = (Path.Combine(runFolder, written), Path.Combine(runFolder, place));
        if (Directory.Exists(from))
        {
            Durable.MoveFolder(from, to);
        }
        else if (!Directory.Exists(to) || Durable.Sha256OfFolder(to) != sha256)
        {
            throw new CoinException($"{from} is gone before its stage took it over. See that all nodes see the same folder.");
        }
    }

    /// <summary>Removes from the folder of a run that ended what workers left who were cut off: nobody works for it any more.</summary>
    /// <param name="warn">As in <see cref="DeleteCheckpoints"/>.</param>
    public static void Tidy(string runFolder, RunState state, Action<string> warn)
    {
        DeleteSpent(runFolder, state, warn);
        foreach (var (stage, trained) in state.Trained)
        {
            var adapter = Path.Combine(runFolder, RunPaths.Adapter(stage, trained.Task));
            foreach (
                var other in Directory.Exists(Path.GetDirectoryName(adapter))
                    ? Directory.GetDirectories(Path.GetDirectoryName(adapter)!, Path.GetFileName(adapter) + "-t*")
                    : []
            )
            {
                Discard(other, path => Directory.Delete(path, recursive: true), warn);
            }
        }

        _ = Durable.RemoveUnfinished(runFolder);
    }

    /// <summary>Deletes what an event made superfluous: a process may end between the event and the deletion.</summary>
    /// <param name="warn">As in <see cref="DeleteCheckpoints"/>.</param>
    public static void DeleteSpent(string runFolder, RunState state, Action<string> warn)
    {
        foreach (var (stage, trained) in state.Trained)
        {
            DeleteCheckpoints(runFolder, stage, trained.Task, before: null, warn);
        }

        foreach (var (stage, task) in state.Cells.Keys)
        {
            var cell = Path.Combine(runFolder, RunPaths.Predictions(stage, state.TaskNames[task]));
            if (Path.GetDirectoryName(cell) is { } folder && Directory.Exists(folder))
            {
                var name = Path.GetFileNameWithoutExtension(cell);
                Delete(runFolder, Directory.GetFiles(folder, $"{name}.shard-*-of-*.jsonl"), warn);

                // A process may have ended between a shard's two files.
                Delete(runFolder, Directory.GetFiles(folder, $"{name}.shard-*-of-*.routing.json"), warn);
            }
        }
    }
}
