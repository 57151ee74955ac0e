using CoIN.Actors.Journal;
using CoIN.Actors.Protocol;
using CoIN.Benchmark;
using CoIN.Benchmark.Runs;

namespace CoIN.Actors.Artifacts;

/// <summary>
/// A node's own folder of runs, in a cluster whose nodes have none in common: what the journal names and is not here comes from the nodes
/// that have it. The journal of a
/// run is found by the run's id, so that any node may take the run up.
/// </summary>
/// <param name="folder">Absolute path.</param>
internal sealed class OwnRuns(string folder, JournalDatabase database, ArtifactFetcher fetcher, FileHashes hashes)
{
    /// <summary>Hashes of the files here.</summary>
    public FileHashes Hashes => hashes;

    /// <summary>A run's folder on this node.</summary>
    /// <exception cref="CoinException">It is no run's id.</exception>
    public string Of(string runId) =>
        InnerPath.IsRunId(runId)
            ? Path.Combine(folder, runId)
            : throw new CoinException($"'{runId}' is no run's id: those consist of letters, digits, '-', '_' and '.'.") { IsFinal = true };

    /// <summary>A run's state by its journal; null where nothing has been written of it.</summary>
    /// <exception cref="CoinException">The database is away, or <see cref="Stranger"/>.</exception>
    public RunState? Read(string runId)
    {
        if (!Directory.Exists(Of(runId)) && !IsBegun(runId))
        {
            return null;
        }

        Prepare(runId);
        return RunJournal.Read(Of(runId));
    }

    /// <summary>Makes a run's folder here, with the place of its journal in it.</summary>
    /// <exception cref="CoinException">As <see cref="Stranger"/>.</exception>
    public void Prepare(string runId)
    {
        if (Stranger(runId) is { } stranger)
        {
            throw new CoinException(stranger) { IsFinal = true };
        }

        if (JournalPlace.Of(Of(runId)) is null)
        {
            JournalPlace.InCluster(database, runId).Write(Of(runId));
        }
    }

    /// <summary>What stands in a run's way: a folder of its name that holds something else; null where nothing does.</summary>
    public string? Stranger(string runId)
    {
        var path = Of(runId);
        var known = JournalPlace.Of(path);
        var foreign = known is not null
            ? known.Id != JournalPlace.IdInCluster(runId)
            : File.Exists(Path.Combine(path, RunPaths.Journal)) || RunTraces.In(path).Count > 0;
        return !foreign
            ? null
            : $"On {Environment.MachineName}, {path} holds a run of that name that is not this cluster's. Move it away, or choose another --run-id.";
    }

    /// <summary>Brings artifacts that are not here.</summary>
    /// <param name="first">As in <see cref="ArtifactFetcher.BringAsync"/>, as are the others.</param>
    public Task<IReadOnlyList<Unfetched>> BringAsync(
        string runId,
        IReadOnlyList<Artifact> wanted,
        string? first,
        TimeSpan patience,
        CancellationToken stop
    ) => fetcher.BringAsync(runId, Of(runId), wanted, first, patience, stop);

    /// <summary>Brings what makes a run's folder complete and no event names.</summary>
    /// <param name="more">Paths below the run's folder beside these.</param>
    public Task BringLooseAsync(string runId, IEnumerable<string> more, CancellationToken stop) =>
        fetcher.BringLooseAsync(runId, Of(runId), [.. RunArtifacts.Loose, .. more], stop);

    /// <summary>As <see cref="BringAsync"/>; all of them have to come.</summary>
    /// <exception cref="CoinException">One did not.</exception>
    public async Task RequireAsync(string runId, IReadOnlyList<Artifact> wanted, string? first, TimeSpan patience, CancellationToken stop)
    {
        if (await BringAsync(runId, wanted, first, patience, stop).ConfigureAwait(false) is [var lost, ..])
        {
            throw new CoinException($"{lost.Artifact.Path} of run {runId} cannot be fetched from any node: {lost.Reason}.");
        }
    }

    private bool IsBegun(string runId)
    {
        try
        {
            return database.Has(JournalPlace.IdInCluster(runId));
        }
        catch (Exception e) when (JournalDatabase.IsFault(e))
        {
            throw database.Fault("read", e);
        }
    }
}
