using CoIN.Actors.Journal;
using CoIN.Benchmark;

namespace CoIN.Actors.Hosting;

/// <summary>What several processes share.</summary>
public sealed record ClusterSettings
{
    /// <summary>
    /// The PostgreSQL database that keeps the runs' journals, <c>Host=…;Database=…</c> without a password; null for a file in each run's
    /// folder.
    /// </summary>
    public string? Journal { get; init; }

    /// <summary>
    /// Folder with this host's certificate and the authority's, as <c>coin cluster certs</c> makes it; null where <c>node.certificate</c>
    /// names the files.
    /// </summary>
    [PathOption]
    public string? Certificates { get; init; }

    /// <summary>
    /// Whether all nodes see one folder of runs, which they prove when they join. Otherwise each has its own, and fetches what it lacks
    /// from the others.
    /// </summary>
    public bool SharedFolder { get; init; } = true;

    /// <summary>
    /// Seconds for which a node may be silent before the others think it lost; as long again until they give it up, and its work goes on
    /// elsewhere (without a database, as long again until then).
    /// </summary>
    [Bounds(AtLeast = 1)]
    public int Patience { get; init; } = 8;

    internal JournalDatabase? Database => Journal is null ? null : JournalDatabase.Parse(Journal);
}
