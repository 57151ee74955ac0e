using System.Collections.Concurrent;

namespace CoIN.Actors.Artifacts;

/// <summary>The other nodes that give files.</summary>
internal sealed class ArtifactPeers
{
    private readonly ConcurrentDictionary<string, Peer> peers = new(StringComparer.Ordinal);

    /// <summary>All of them, one of them first.</summary>
    /// <param name="first">Its name; null for none.</param>
    public IReadOnlyList<Peer> All(string? first) =>
        [.. peers.Values.OrderBy(peer => peer.Name != first).ThenBy(peer => peer.Name, StringComparer.Ordinal)];

    public bool Knows(string name) => peers.ContainsKey(name);

    public void Add(Peer peer) => peers[peer.Name] = peer;

    public void Remove(string name) => peers.TryRemove(name, out _);

    /// <param name="Name">As people call the node: <c>host:port</c> of its messages.</param>
    /// <param name="Port">At which it gives files.</param>
    public sealed record Peer(string Name, string Host, int Port);
}
