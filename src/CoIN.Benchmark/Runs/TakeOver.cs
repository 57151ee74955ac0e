using CoIN.Benchmark.Files;

namespace CoIN.Benchmark.Runs;

/// <summary>
/// Takes results of another run over into a run's own folder: copies of the files, whole, flushed, and checked against their hashes.
/// </summary>
public static class TakeOver
{
    /// <summary>A stage's adapter.</summary>
    /// <param name="source">The folder of the run that trained it.</param>
    /// <param name="trained">What its journal says.</param>
    /// <param name="from">Kept with the event.</param>
    /// <param name="runFolder">The folder of the run that takes it over.</param>
    /// <returns>The event for its journal.</returns>
    /// <exception cref="CoinException">A file is missing or not the one of the journal, or cannot be written.</exception>
    public static StageTrained Stage(string source, StageTrained trained, ResultSource from, string runFolder)
    {
        var folder = RunPaths.Adapter(trained.Stage, trained.Task);
        var files = Files(Path.Combine(source, trained.Folder));
        Durable.WriteFolder(Path.Combine(runFolder, folder), target =>
        {
            foreach (var file in files)
            {
                Copy(Path.Combine(source, trained.Folder, file), Path.Combine(target, file));
            }
        });
        if (trained.FolderSha256 is not { } sha256 || Durable.Sha256OfFolder(Path.Combine(runFolder, folder)) != sha256)
        {
            throw new CoinException($"{Path.Combine(source, trained.Folder)} is not as the journal of {from.RunId} says it was written.");
        }

        CopyBeside(
            Path.Combine(source, RunPaths.Steps(trained.Stage, trained.Task)),
            Path.Combine(runFolder, RunPaths.Steps(trained.Stage, trained.Task))
        );
        return trained with { Folder = folder, TakenFrom = from };
    }

    /// <summary>A cell's predictions and scores.</summary>
    /// <param name="source">The folder of the run that tested it.</param>
    /// <param name="scored">What its journal says.</param>
    /// <param name="from">Kept with the event.</param>
    /// <param name="runFolder">The folder of the run that takes it over.</param>
    /// <param name="stage">Of the run that takes it over.</param>
    /// <param name="task">0-based place in that run's order.</param>
    /// <param name="name">The task's name.</param>
    /// <returns>The event for its journal.</returns>
    /// <exception cref="CoinException">As for <see cref="Stage"/>.</exception>
    public static CellScored Cell(string source, CellScored scored, ResultSource from, string runFolder, int stage, int task, string name)
    {
        var (file, scores) = (RunPaths.Predictions(stage, name), RunPaths.Scores(stage, name));
        CopyFile(source, scored.File, scored.Sha256, runFolder, file, from);
        if (scored.ScoresFile is not null)
        {
            CopyFile(source, scored.ScoresFile, scored.ScoresSha256!, runFolder, scores, from);
        }

        CopyBeside(Path.Combine(source, RunPaths.Routing(scored.Stage, name)), Path.Combine(runFolder, RunPaths.Routing(stage, name)));
        return scored with
        {
            Stage = stage,
            Task = task,
            File = file,
            ScoresFile = scored.ScoresFile is null ? null : scores,
            TakenFrom = from,
        };
    }

    /// <summary>
    /// The course of a training, or which experts answered, goes with its result; a run that has none written down has none to give.
    /// </summary>
    private static void CopyBeside(string from, string to)
    {
        if (File.Exists(from))
        {
            Durable.Write(to, stream =>
            {
                using var read = new FileStream(from, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
                read.CopyTo(stream);
            });
        }
    }

    private static void CopyFile(string source, string file, string sha256, string runFolder, string to, ResultSource from)
    {
        var (path, target) = (Path.Combine(source, file), Path.Combine(runFolder, to));
        if (!File.Exists(path))
        {
            throw new CoinException($"{path} of the run {from.RunId} is missing.");
        }

        Durable.Write(target, stream =>
        {
            using var read = File.OpenRead(path);
            read.CopyTo(stream);
        });
        if (Durable.Sha256(target) != sha256)
        {
            throw new CoinException($"{path} is not as the journal of {from.RunId} says it was written.");
        }
    }

    private static IReadOnlyList<string> Files(string folder) =>
        Directory.Exists(folder)
            ? [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(folder, file))]
            : throw new CoinException($"{folder} is missing.");

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(to)!);
        using var read = File.OpenRead(from);
        using var write = new FileStream(to, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 20);
        read.CopyTo(write);
        write.Flush(flushToDisk: true);
    }
}
