using CoIN.Actors.Artifacts;
using CoIN.Actors.Channels;
using CoIN.Actors.Hosting;
using CoIN.Actors.Journal;
using CoIN.Benchmark;
using Microsoft.Extensions.Logging;

namespace CoIN.Actors.Nodes;

/// <summary>A node's own folder of runs: what it gives to other nodes of it, and what it fetches into it.</summary>
internal sealed class NodeFiles : IAsyncDisposable
{
    private readonly PeerListener listener;

    private NodeFiles(PeerListener listener, ArtifactPeers peers, OwnRuns runs) => (this.listener, Peers, Runs) = (listener, peers, runs);

    /// <summary>The other nodes; filled by <see cref="FilePeers"/>.</summary>
    public ArtifactPeers Peers { get; }

    public OwnRuns Runs { get; }

    /// <summary>At which it gives.</summary>
    public int Port => listener.Port;

    /// <param name="identity">Null for clear text on loopback; has to last as long as this does.</param>
    /// <exception cref="CoinException">The port cannot be had.</exception>
    public static NodeFiles Open(
        NodeRequest request,
        NodePlacement.Cluster cluster,
        JournalDatabase database,
        NodeIdentity? identity,
        ILoggerFactory logs
    )
    {
        var log = logs.CreateLogger("CoIN.Actors.Artifacts");
        var (security, hashes, peers) = (identity?.Channel(), new FileHashes(), new ArtifactPeers());
        var listener = PeerListener.Start(
            cluster.Hostname,
            request.Node.FilePort,
            security,
            new ArtifactServer(request.Runs, hashes).ServeAsync,
            why => log.LogWarning("Refused a call for files from {Caller}", why)
        );
        log.LogInformation("Files of the runs in {Runs} are given to the other nodes at port {Port}", request.Runs, listener.Port);
        var fetcher = new ArtifactFetcher(peers, security, hashes, log);
        return new NodeFiles(listener, peers, new OwnRuns(request.Runs, database, fetcher, hashes));
    }

    public ValueTask DisposeAsync() => listener.DisposeAsync();
}
