using System.Globalization;
using CoIN.Benchmark.Experiments;
using Newtonsoft.Json;
using Newtonsoft.Json.Converters;
using Newtonsoft.Json.Linq;
using Newtonsoft.Json.Serialization;

namespace CoIN.Benchmark.Reports.Comparison;

/// <summary>Everything that decides a run's numbers as names and values, so that two runs can be held against each other.</summary>
internal static class RunSettings
{
    public const string Seed = "seed";

    private static readonly JsonSerializer Serializer = JsonSerializer.Create(new JsonSerializerSettings
    {
        ContractResolver = new DefaultContractResolver { NamingStrategy = new KebabCaseNamingStrategy() },
        Converters = { new StringEnumConverter(new KebabCaseNamingStrategy()) },
    });

    // A name decides nothing, and files count by what is in them, not by where they are.
    private static readonly string[] Irrelevant = ["name", "data.instructions", "data.images", "data.image-identity", "model.path", "model.language", "model.vision-tower", "model.projector"];

    /// <summary>Settings by their names in the configuration, and the hashes of model and data.</summary>
    public static IReadOnlyDictionary<string, string> Of(RunReport report)
    {
        var settings = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["method"] = report.Method,
            [Seed] = report.Seed.ToString(CultureInfo.InvariantCulture),
            ["order"] = string.Join(", ", report.Tasks),
            ["base model SHA-256"] = Short(report.BaseModelSha256),
        };
        foreach (var file in report.DataFiles)
        {
            settings[$"{file.Use} file of {file.Task}"] = FormattableString.Invariant($"{file.SamplesUsed} samples of {Short(file.Sha256)}");
        }

        if (report.Options is { } options)
        {
            Flatten("", JObject.FromObject(options, Serializer), settings);
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

    /// <summary>The same for runs that differ by nothing but their seed.</summary>
    public static string WithoutSeed(RunReport report) =>
        string.Join('\n', Of(report).Where(setting => setting.Key != Seed).Select(setting => $"{setting.Key}={setting.Value}"));

    internal static string Short(string sha256) => sha256.Length > 12 ? sha256[..12] + "…" : sha256.Length > 0 ? sha256 : "-";

    private static void Flatten(string prefix, JToken token, SortedDictionary<string, string> settings)
    {
        switch (token)
        {
            case JObject entries:
                foreach (var (name, entry) in entries)
                {
                    Flatten(prefix.Length == 0 ? name : $"{prefix}.{name}", entry!, settings);
                }

                break;
            case JArray list when list.All(item => item is JObject):
                foreach (var item in list)
                {
                    Flatten($"{prefix}.{item["name"]}", item, settings);
                }

                break;
            default:
                settings[prefix] = token.Type == JTokenType.Null ? "-" : token is JValue value
                    ? Convert.ToString(value.Value, CultureInfo.InvariantCulture)!
                    : token.ToString(Formatting.None);
                break;
        }
    }
}
