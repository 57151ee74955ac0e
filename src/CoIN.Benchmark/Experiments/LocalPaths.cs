namespace CoIN.Benchmark.Experiments;

/// <summary>
/// Where a host has the model and data that a run's configuration names by the paths of another host: folders there, and what stands for
/// each of them here. Files are opened by the paths of here; what is written down of a run (journal, reports, adapters) has those of its
/// configuration, and so does not depend on who did the work.
/// </summary>
public sealed class LocalPaths
{
    private readonly IReadOnlyList<(string There, string Here)> folders;

    private LocalPaths(IEnumerable<(string There, string Here)> folders) =>
        this.folders = [.. folders.OrderByDescending(pair => pair.There.Length)];

    /// <summary>Everything lies where the configuration says.</summary>
    public static LocalPaths Same { get; } = new([]);

    /// <summary>Reads lines such as <c>/data/hf = /mnt/models</c>: the path in configurations, and the one here.</summary>
    /// <exception cref="CoinException">
    /// A line is none, a path is not absolute, or one stands for two; the message says which, without its beginning.
    /// </exception>
    public static LocalPaths Parse(IReadOnlyCollection<string> lines)
    {
        var folders = lines.Select(Pair).ToList();
        return folders.GroupBy(pair => pair.There, StringComparer.Ordinal).FirstOrDefault(same => same.Count() > 1) is { } twice
                ? throw new CoinException(
                    $"{twice.Key} is said to lie in {string.Join(" and in ", twice.Select(pair => pair.Here))}. Leave one of them."
                )
            : folders.Count == 0 ? Same
            : new LocalPaths(folders);
    }

    /// <summary>The files and folders that an experiment names, with the keys that do.</summary>
    public static IEnumerable<(string Key, string Path)> Named(ExperimentOptions options) =>
        new[]
        {
            ("coin.model.path", options.Model.Path),
            ("coin.model.language", options.Model.Language),
            ("coin.model.vision-tower", options.Model.VisionTower),
            ("coin.model.projector", options.Model.Projector),
            ("coin.lora.from", options.Lora.From),
            ("coin.data.instructions", options.Data.Instructions),
            ("coin.data.images", options.Data.Images),
            ("coin.judge.path", options.Judge?.Path),
        }
            .Where(named => named.Item2 is { Length: > 0 })
            .Select(named => (named.Item1, named.Item2!));

    /// <summary>
    /// Where something lies here. The longest folder that it is in, or is itself, decides; what is in none lies where it is said to.
    /// </summary>
    public string Here(string path)
    {
        foreach (var (there, here) in folders)
        {
            if (path.StartsWith(there, StringComparison.Ordinal) && (path.Length == there.Length || path[there.Length] == '/'))
            {
                return here + path[there.Length..];
            }
        }

        return path;
    }

    /// <summary>An experiment as this host opens it.</summary>
    public ExperimentOptions Here(ExperimentOptions options) =>
        folders.Count == 0
            ? options
            : options with
            {
                Model = Here(options.Model),
                Data = options.Data with { Instructions = Here(options.Data.Instructions), Images = Here(options.Data.Images) },
                Lora = options.Lora with { From = Here(options.Lora.From, Here) },
                Judge = Here(options.Judge, Here),
            };

    /// <summary>A model as this host opens it.</summary>
    public ModelOptions Here(ModelOptions model) =>
        model with
        {
            Path = Here(model.Path),
            Language = Here(model.Language, Here),
            VisionTower = Here(model.VisionTower, Here),
            Projector = Here(model.Projector, Here),
        };

    /// <summary>A judge as this host opens it.</summary>
    public JudgeOptions Here(JudgeOptions judge) => judge with { Path = Here(judge.Path, Here) };

    private static T? Here<T>(T? value, Func<T, T> here)
        where T : class => value is null ? null : here(value);

    private static (string There, string Here) Pair(string line)
    {
        var at = line.IndexOf('=', StringComparison.Ordinal);
        var (there, here) = at < 0 ? ("", "") : (line[..at].Trim(), line[(at + 1)..].Trim());
        if (here.StartsWith("~/", StringComparison.Ordinal))
        {
            here = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), here[2..]);
        }

        return Path.IsPathFullyQualified(there) && Trimmed(there).Length > 1 && Path.IsPathFullyQualified(here)
            ? (Trimmed(there), Trimmed(here))
            : throw new CoinException(
                $"'{line}' does not say what lies where. Write \"/data/hf = /mnt/models\": the folder that configurations name, and the one that it is on this host, both absolute."
            );
    }

    private static string Trimmed(string path) => Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
}
