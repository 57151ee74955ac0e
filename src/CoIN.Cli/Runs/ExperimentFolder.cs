using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Reports;
using CoIN.Configuration;
using Newtonsoft.Json;
using Newtonsoft.Json.Serialization;

namespace CoIN.Cli.Runs;

/// <summary>What an experiment's folder says of it; written before any of its runs begins.</summary>
/// <param name="Id">Its folder's name then; the runs' ids begin with it.</param>
/// <param name="Name">As the configuration calls it.</param>
/// <param name="Program">The version that began it: results of another one are not shared.</param>
/// <param name="Runs">What it varies, and its runs.</param>
internal sealed record ExperimentRecord(string Id, string Name, DateTimeOffset Created, string Program, ExperimentRuns Runs);

/// <summary>
/// An experiment of several runs on disk: a folder beside the folders of its runs, with its record, each run's configuration, its log and
/// the comparison. The runs are ordinary ones, named by the experiment's id and their own name.
/// </summary>
/// <param name="Folder">Absolute path.</param>
/// <param name="Record">What it says.</param>
internal sealed record ExperimentFolder(string Folder, ExperimentRecord Record)
{
    /// <summary>The file by which a folder is an experiment's.</summary>
    public const string File = "experiment.json";

    private const string Configurations = "settings";

    private static readonly JsonSerializerSettings Json = new()
    {
        Formatting = Formatting.Indented,
        ContractResolver = new DefaultContractResolver { NamingStrategy = new CamelCaseNamingStrategy { ProcessDictionaryKeys = false } },
        DateParseHandling = DateParseHandling.None,
    };

    /// <summary>The name by which people call it now.</summary>
    public string Id => Path.GetFileName(Folder);

    /// <summary>The runs with their ids and folders.</summary>
    public IReadOnlyList<(ExperimentRun Run, string Id, string Folder)> Runs =>
        [.. Record.Runs.Runs.Select(run => (run, run.IdIn(Record.Id), Path.Combine(Path.GetDirectoryName(Folder)!, run.IdIn(Record.Id))))];

    /// <summary>Whether a folder is an experiment's.</summary>
    public static bool Is(string folder) => System.IO.File.Exists(Path.Combine(folder, File));

    /// <summary>Writes a new experiment down: the runs' configurations, and the record last, so that what has a record is whole.</summary>
    public static ExperimentFolder Create(string folder, LoadedExperiment loaded, DateTimeOffset now)
    {
        var record = new ExperimentRecord(
            Path.GetFileName(folder),
            loaded.Runs[0].Options.Name,
            now,
            ProductVersion.Current,
            loaded.Experiment!
        );
        var created = new ExperimentFolder(folder, record);
        foreach (var ((run, _, _), place) in created.Runs.Select((run, place) => (run, place)))
        {
            Durable.WriteText(created.ConfigurationOf(run), loaded.Runs[place].EffectiveText);
        }

        Durable.WriteText(Path.Combine(folder, File), JsonConvert.SerializeObject(record, Json));
        return created;
    }

    /// <summary>Reads an experiment.</summary>
    /// <exception cref="CoinException">Its record cannot be read.</exception>
    public static ExperimentFolder Read(string folder)
    {
        var path = Path.Combine(folder, File);
        try
        {
            var record = JsonConvert.DeserializeObject<ExperimentRecord>(Utf8Text.Read(path), Json);
            if (record is { Id.Length: > 0, Runs.Runs: { Count: > 0 } runs } && runs.All(run => IsName(run.IdIn(record.Id))))
            {
                return new ExperimentFolder(folder, record);
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

    /// <summary>Makes the folders of runs that have none yet: a process may have ended before.</summary>
    public void EnsureRuns()
    {
        foreach (var (run, _, folder) in Runs)
        {
            var settings = Path.Combine(folder, RunFolders.Settings);
            if (!System.IO.File.Exists(settings))
            {
                Durable.WriteText(settings, Utf8Text.Read(ConfigurationOf(run)));
            }
        }
    }

    private string ConfigurationOf(ExperimentRun run) => Path.Combine(Folder, Configurations, run.Name + ".conf");

    /// <summary>The ids name folders: nothing in a record leads elsewhere.</summary>
    private static bool IsName(string id) =>
        id.Length > 0 && id[0] != '.' && id.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');
}
