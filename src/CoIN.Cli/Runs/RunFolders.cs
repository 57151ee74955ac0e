using System.Globalization;
using CoIN.Benchmark;
using CoIN.Benchmark.Runs;

namespace CoIN.Cli.Runs;

/// <summary>A run that somebody means.</summary>
/// <param name="Name">What it is called on a command line: its id, or its path where it does not lie among the runs.</param>
/// <param name="Folder">Absolute path.</param>
internal sealed record FoundRun(string Name, string Folder);

/// <summary>The folder that holds one folder per run.</summary>
internal sealed class RunFolders(string folder)
{
    /// <summary>File in a run's folder that holds the configuration it was started with.</summary>
    public const string Settings = RunPaths.Settings;

    /// <summary>File in a run's folder to which it logs.</summary>
    public const string Log = "log.clef";

    // With a run's name behind it, it is still a folder's name.
    private const int LongestId = 100;

    public string Folder { get; } = folder;

    /// <summary>
    /// The first that is given of: the command line's, the configuration's, the environment's <c>COIN_RUNS</c>, <c>runs</c> here.
    /// </summary>
    public static RunFolders Resolve(string? option, string? configured, Func<string, string?> variable, string here)
    {
        var chosen = new[] { option, configured, variable("COIN_RUNS"), "runs" }.First(text => !string.IsNullOrEmpty(text));
        return new RunFolders(Path.GetFullPath(Path.Combine(here, chosen!)));
    }

    public string PathOf(string id) => Path.Combine(Folder, id);

    /// <summary>All runs' ids, the latest first.</summary>
    /// <exception cref="CoinException">The folder may not be read.</exception>
    public IReadOnlyList<string> Ids()
    {
        try
        {
            return Directory.Exists(Folder)
                    ?
                    [
                        .. new DirectoryInfo(Folder)
                            .EnumerateDirectories()
                            .Where(run => IsRun(run.FullName))
                            .OrderByDescending(run => File.GetLastWriteTimeUtc(Path.Combine(run.FullName, Settings)))
                            .ThenByDescending(run => run.Name, StringComparer.Ordinal)
                            .Select(run => run.Name),
                    ]
                : File.Exists(Folder)
                    ? throw new CoinException(
                        $"The runs are to be in {Folder}, but that is a file. Name a folder with --runs, coin.node.runs or COIN_RUNS."
                    )
                : [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CoinException(
                $"Cannot list the runs in {Folder}: {e.Message.TrimEnd('.')}. Ask its owner for the right to read it, or name another with --runs.",
                e
            );
        }
    }

    /// <summary>Makes a new run's folder.</summary>
    /// <param name="wanted">The id that the user wants, or null for <c>yyyyMMdd-HHmmss-name-sSEED</c>.</param>
    /// <exception cref="CoinException">The wanted id is taken or no folder's name.</exception>
    public string Create(string? wanted, string name, int seed, DateTimeOffset now)
    {
        try
        {
            Directory.CreateDirectory(Folder);
            return Claim(wanted, name, seed, now);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CoinException(
                $"Cannot make a run's folder in {Folder}: {e.Message} Make it writable, or name another one with --runs.",
                e
            );
        }
    }

    /// <summary>Makes the folder of a new experiment of several runs, whose folders will stand beside it.</summary>
    /// <param name="wanted">The id that the user wants, or null for <c>yyyyMMdd-HHmmss-name</c>.</param>
    /// <param name="runs">Names of its runs.</param>
    /// <exception cref="CoinException">The wanted id, or that of a run, is taken or no folder's name.</exception>
    public string CreateExperiment(string? wanted, string name, IReadOnlyList<string> runs, DateTimeOffset now)
    {
        try
        {
            Directory.CreateDirectory(Folder);
            var id = wanted is null ? string.Create(CultureInfo.InvariantCulture, $"{now:yyyyMMdd-HHmmss}-{name}") : Checked(wanted);
            if (runs.Select(run => $"{id}-{run}").FirstOrDefault(run => Path.Exists(PathOf(run))) is { } taken)
            {
                throw new CoinException(
                    $"The run {taken} exists in {Folder}, where a run of the experiment would be. Choose another --run-id."
                );
            }

            if (wanted is not null)
            {
                return TryCreate(id)
                    ? id
                    : throw new CoinException($"{id} exists in {Folder}. Resume it with ./run.sh resume {id}, or choose another --run-id.");
            }

            var unique = id;
            for (var n = 2; !TryCreate(unique); n++)
            {
                unique = string.Create(CultureInfo.InvariantCulture, $"{id}-{n}");
            }

            return unique;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CoinException(
                $"Cannot make an experiment's folder in {Folder}: {e.Message} Make it writable, or name another one with --runs.",
                e
            );
        }
    }

    /// <summary>Ids of all experiments of several runs, the latest first.</summary>
    public IReadOnlyList<string> Experiments()
    {
        try
        {
            return !Directory.Exists(Folder)
                ? []
                :
                [
                    .. new DirectoryInfo(Folder)
                        .EnumerateDirectories()
                        .Where(one => ExperimentFolder.Is(one.FullName))
                        .OrderByDescending(one => File.GetLastWriteTimeUtc(Path.Combine(one.FullName, ExperimentFolder.File)))
                        .ThenByDescending(one => one.Name, StringComparer.Ordinal)
                        .Select(one => one.Name),
                ];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CoinException(
                $"Cannot list the runs in {Folder}: {e.Message.TrimEnd('.')}. Ask its owner for the right to read it, or name another with --runs.",
                e
            );
        }
    }

    /// <summary>The experiment that somebody means; null where it is a run, or nothing, that is meant.</summary>
    /// <param name="text">
    /// An experiment's id or the beginning of it, or its folder or a file in it. The ids of its own runs begin so too and are not meant by
    /// it.
    /// </param>
    /// <param name="here">The folder to which paths are relative.</param>
    public ExperimentFolder? FindExperiment(string text, string here)
    {
        var path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(Path.Combine(here, text)));
        var folder = File.Exists(path) ? Path.GetDirectoryName(path)! : path;
        if ((text.AsSpan().ContainsAny('/', '\\') || text is "." or "..") && ExperimentFolder.Is(folder))
        {
            return ExperimentFolder.Read(folder);
        }

        var experiments = Experiments();
        var found = experiments.Contains(text) ? [text] : experiments.Where(id => id.StartsWith(text, StringComparison.Ordinal)).ToList();
        if (found is not [var one] || Ids().Contains(text))
        {
            return null;
        }

        var experiment = ExperimentFolder.Read(PathOf(one));
        var own = experiment.Runs.Select(run => run.Id).ToHashSet(StringComparer.Ordinal);
        return one == text || Ids().Where(id => id.StartsWith(text, StringComparison.Ordinal)).All(own.Contains) ? experiment : null;
    }

    /// <summary>The experiment that a run belongs to; null for a run by itself.</summary>
    public ExperimentFolder? ExperimentOf(string run) =>
        Experiments()
            .Where(id => run.StartsWith(id + "-", StringComparison.Ordinal))
            .Select(id => ExperimentFolder.Read(PathOf(id)))
            .FirstOrDefault(experiment => experiment.Runs.Any(one => one.Id == run));

    private static string Checked(string wanted) =>
        wanted.Length > 0
        && wanted.Length <= LongestId
        && !wanted.StartsWith('.')
        && wanted.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.')
            ? wanted
            : throw Commands.Usage.Fault(
                FormattableString.Invariant(
                    $"--run-id {wanted}: an experiment's id consists of at most {LongestId} letters, digits, '-', '_' and '.', and does not begin with '.'."
                )
            );

    /// <summary>The id of a new run that has none given.</summary>
    public static string NewId(string name, int seed, DateTimeOffset now) =>
        string.Create(CultureInfo.InvariantCulture, $"{now:yyyyMMdd-HHmmss}-{name}-s{seed}");

    /// <summary>An id that somebody wants.</summary>
    /// <exception cref="CoinException">It is no folder's name.</exception>
    public static string CheckedId(string wanted) =>
        wanted.Length > 0 && !wanted.StartsWith('.') && wanted.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.')
            ? wanted
            : throw Commands.Usage.Fault(
                $"--run-id {wanted}: a run id consists of letters, digits, '-', '_' and '.', and does not begin with '.'."
            );

    private string Claim(string? wanted, string name, int seed, DateTimeOffset now)
    {
        if (wanted is not null)
        {
            return TryCreate(CheckedId(wanted))
                ? wanted
                : throw new CoinException(
                    $"The run {wanted} exists in {Folder}. Resume it with ./run.sh resume {wanted}, or choose another --run-id."
                );
        }

        var id = NewId(name, seed, now);
        var unique = id;
        for (var n = 2; !TryCreate(unique); n++)
        {
            unique = string.Create(CultureInfo.InvariantCulture, $"{id}-{n}");
        }

        return unique;
    }

    /// <summary>A run by its id or the beginning of it, or by its folder or a file in it, wherever that is.</summary>
    /// <param name="here">The folder to which paths are relative.</param>
    /// <exception cref="CoinException">There is none, or several begin so.</exception>
    public FoundRun Find(string text, string here)
    {
        var path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(Path.Combine(here, text)));
        if (text.AsSpan().ContainsAny('/', '\\') || text is "." or "..")
        {
            return At(path)
                ?? throw new CoinException(
                    $"{path} is no run's folder: {(Directory.Exists(path) ? $"it has no {Settings}" : "it does not exist")}. ./run.sh runs lists the runs in {Folder}."
                );
        }

        return Ids().Any(id => id.StartsWith(text, StringComparison.Ordinal)) || At(path) is not { } elsewhere ? Of(ById(text)) : elsewhere;
    }

    /// <summary>The run of an id.</summary>
    public FoundRun Of(string id) => new(id, PathOf(id));

    private FoundRun? At(string path)
    {
        var folder = File.Exists(path) ? Path.GetDirectoryName(path)! : path;
        return !IsRun(folder) ? null
            : Path.GetDirectoryName(folder) == Folder ? Of(Path.GetFileName(folder))
            : new FoundRun(folder, folder);
    }

    private static bool IsRun(string folder) => File.Exists(Path.Combine(folder, Settings));

    private string ById(string text)
    {
        var ids = Ids();
        var found = ids.Where(id => id == text).ToList() is [_] exact
            ? exact
            : [.. ids.Where(id => id.StartsWith(text, StringComparison.Ordinal))];
        return found switch
        {
            [var one] => one,
            [] => throw new CoinException($"There is no run {text} in {Folder}. ./run.sh runs lists those there are."),
            _ => throw new CoinException($"Several runs begin with {text}: {string.Join(", ", found)}. Write more of the id."),
        };
    }

    private bool TryCreate(string id)
    {
        var path = PathOf(id);
        if (Directory.Exists(path) || File.Exists(path))
        {
            return false;
        }

        Directory.CreateDirectory(path);
        return true;
    }
}
