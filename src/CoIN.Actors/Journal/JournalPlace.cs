using CoIN.Benchmark;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Runs;
using Newtonsoft.Json;

namespace CoIN.Actors.Journal;

/// <summary>
/// Where the events of a run are: in a database, under a name that nobody else has. It stands in the run's folder, whose own journal file
/// is then a copy that follows.
/// </summary>
/// <param name="Database">Address without secrets.</param>
/// <param name="Id">The run's name in the database. It comes of no folder's name: two people's runs of one name do not meet.</param>
internal sealed record JournalPlace(string Database, string Id)
{
    [JsonIgnore]
    public JournalDatabase Open => JournalDatabase.Parse(Database);

    /// <returns>Null where the folder's own file is the journal.</returns>
    /// <exception cref="CoinException">The file cannot be read.</exception>
    public static JournalPlace? Of(string runFolder)
    {
        var path = Path.Combine(runFolder, RunPaths.JournalPlace);
        try
        {
            if (!File.Exists(path))
            {
                return null;
            }

            if (JsonConvert.DeserializeObject<JournalPlace>(Utf8Text.Read(path)) is { Database.Length: > 0, Id.Length: > 0 } place)
            {
                return place;
            }
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new CoinException($"Cannot read {path}: {e.Message.TrimEnd('.')}. {Remedy(runFolder)}", e) { IsFinal = true };
        }

        throw new CoinException($"{path} names no database and no journal in it. {Remedy(runFolder)}") { IsFinal = true };
    }

    /// <summary>A run by a new name.</summary>
    public static JournalPlace New(JournalDatabase database, string runId) => new(database.Address, $"run-{runId}-{Guid.NewGuid():N}");

    /// <summary>
    /// A run of a cluster whose nodes have no common folder: they find its journal by its id. In one schema there is one such cluster.
    /// </summary>
    public static JournalPlace InCluster(JournalDatabase database, string runId) => new(database.Address, IdInCluster(runId));

    /// <summary>A run's name in the database of such a cluster; <see cref="New"/> gives no such name.</summary>
    public static string IdInCluster(string runId) => $"run-{runId}-of-cluster";

    public void Write(string runFolder) =>
        Durable.WriteText(
            Path.Combine(runFolder, RunPaths.JournalPlace),
            JsonConvert.SerializeObject(new { database = Database, id = Id }, Formatting.Indented) + "\n"
        );

    /// <summary>What helps where the database is no help.</summary>
    public static string Remedy(string runFolder) =>
        $"Without {RunPaths.JournalPlace} in {runFolder} the run goes on from its folder's own copy of the journal, by itself.";
}
