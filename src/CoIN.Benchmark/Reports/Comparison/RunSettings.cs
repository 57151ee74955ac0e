using System.Globalization;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Instructions;
using CoIN.Benchmark.Methods;
using CoIN.Benchmark.Published;
using CoIN.Benchmark.Reports.Paper;

namespace CoIN.Benchmark.Reports.Comparison;

/// <summary>Everything that decides a run's numbers as names and values, so that two runs can be held against each other.</summary>
internal static class RunSettings
{
    public const string Seed = "seed";

    private const string BaseModel = "base model SHA-256";

    // A name decides nothing, nor does who comes first, and files count by what is in them, not by where they are.
    private static readonly string[] Irrelevant =
    [
        "name",
        "priority",
        "max-restarts",
        "data.instructions",
        "data.images",
        "data.image-identity",
        "model.path",
        "model.language",
        "model.vision-tower",
        "model.projector",
        "training.on-lost-trainer",
        "training.optimizer-state",
    ];

    /// <summary>Settings by their names in the configuration, and the hashes of model and data.</summary>
    public static IReadOnlyDictionary<string, string> Of(RunReport report)
    {
        var settings = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["method"] = report.Method,
            [Seed] = report.Seed.ToString(CultureInfo.InvariantCulture),
            ["order"] = string.Join(", ", report.Tasks),
            [BaseModel] = Short(report.BaseModelSha256),
        };
        foreach (var file in report.DataFiles)
        {
            settings[$"{file.Use} file of {file.Task}"] = $"{Plural.Of(file.SamplesUsed, "sample")} of {Short(file.Sha256)}";
        }

        if (report.Options is { } options)
        {
            foreach (var (name, value) in OptionList.Flat(options))
            {
                settings[name] = value;
            }

            foreach (var name in Irrelevant)
            {
                settings.Remove(name);
            }

            if (report.GivenAdapterSha256 is { } adapter)
            {
                settings["lora.from"] = Short(adapter);
            }
        }

        return settings;
    }

    /// <summary>
    /// The settings as factors that runs vary: without the seed, with the model and the instruction type by their names, and short names of
    /// orders.
    /// </summary>
    public static IReadOnlyDictionary<string, string> Factors(RunReport report)
    {
        var settings = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in Of(report).Where(setting => setting.Key != Seed))
        {
            settings[name] = value;
        }

        settings["order"] = OrderOf(report.Tasks);
        if (report.Model is { } model)
        {
            settings["model"] = model.Name;
        }

        if (PaperMatch.TypeOf(report) is { } type)
        {
            settings["instructions"] = InstructionTypes.NameOf(type);
        }

        return settings;
    }

    /// <summary>
    /// Whether a setting is known to follow from others: files from the part and type of the data, weights from the model.
    /// </summary>
    public static bool Follows(string name) =>
        name == BaseModel
        || name.StartsWith("train file of ", StringComparison.Ordinal)
        || name.StartsWith("test file of ", StringComparison.Ordinal);

    private static string OrderOf(IReadOnlyList<string> tasks) =>
        tasks.SequenceEqual(PublishedResults.All[0].Tasks) ? "default"
        : tasks.Count > 1 && tasks.SequenceEqual(tasks.Order(StringComparer.OrdinalIgnoreCase)) ? "alphabetical"
        : string.Join(", ", tasks);

    /// <summary>The same for runs that differ by nothing but their seed.</summary>
    public static string WithoutSeed(RunReport report) =>
        string.Join('\n', Of(report).Where(setting => setting.Key != Seed).Select(setting => $"{setting.Key}={setting.Value}"));

    internal static string Short(string sha256) =>
        sha256.Length > 12 ? sha256[..12] + "…"
        : sha256.Length > 0 ? sha256
        : "-";
}
