using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Files;
using Newtonsoft.Json;
using Newtonsoft.Json.Serialization;

namespace CoIN.Benchmark.Runs;

/// <summary>What an experiment's folder, which stands beside those of its runs, says of it.</summary>
public static class ExperimentFiles
{
    /// <summary>The file by which a folder is an experiment's.</summary>
    public const string Record = "experiment.json";

    private static readonly JsonSerializerSettings Json = new()
    {
        Formatting = Formatting.Indented,
        ContractResolver = new DefaultContractResolver { NamingStrategy = new CamelCaseNamingStrategy { ProcessDictionaryKeys = false } },
        DateParseHandling = DateParseHandling.None,
    };

    /// <summary>Where the configuration of a run is kept with which it is to begin.</summary>
    public static string ConfigurationOf(string folder, ExperimentRun run) => Path.Combine(folder, "settings", run.Name + ".conf");

    /// <summary>Writes the record.</summary>
    public static void Write(string folder, ExperimentRecord record) =>
        Durable.WriteText(Path.Combine(folder, Record), JsonConvert.SerializeObject(record, Json));

    /// <summary>Reads the record.</summary>
    /// <exception cref="CoinException">It cannot be read, or is none.</exception>
    public static ExperimentRecord Read(string folder)
    {
        var path = Path.Combine(folder, Record);
        try
        {
            var record = JsonConvert.DeserializeObject<ExperimentRecord>(Utf8Text.Read(path), Json);
            if (record is { Id.Length: > 0, Runs.Runs.Count: > 0 } && record.Named().All(run => IsName(run.Id)))
            {
                return record;
            }
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new CoinException(
                $"Cannot read the experiment's record {path}: {e.Message.TrimEnd('.')}. Its runs are whole: resume them one by one.",
                e
            );
        }

        throw new CoinException($"{path} is no record of an experiment. Its runs are whole: resume them one by one.");
    }

    /// <summary>The ids name folders: nothing in a record leads elsewhere.</summary>
    private static bool IsName(string id) =>
        id.Length > 0 && id[0] != '.' && id.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');
}
