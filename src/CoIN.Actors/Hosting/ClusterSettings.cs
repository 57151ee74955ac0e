using CoIN.Actors.Journal;

namespace CoIN.Actors.Hosting;

/// <summary>What several processes share.</summary>
public sealed record ClusterSettings
{
    /// <summary>The PostgreSQL database that keeps the runs' journals, <c>Host=…;Database=…</c> without a password; null for a file in each run's folder.</summary>
    public string? Journal { get; init; }

    internal JournalDatabase? Database => Journal is null ? null : JournalDatabase.Parse(Journal);
}
