using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using CoIN.Actors.Channels;
using CoIN.Benchmark;
using CoIN.Benchmark.Learning;
using static CoIN.Actors.Protocol.WorkProtocol;

namespace CoIN.Actors.Links;

/// <summary>Where a node's trainers can be reached, and how both ends prove that they belong to the cluster.</summary>
/// <param name="Host">The name under which other nodes reach this one.</param>
/// <param name="Port">TCP port; 0 for any free one.</param>
/// <param name="Security">Null for clear text, which stays on loopback.</param>
internal sealed record LinkPlace(string Host, int Port, ChannelSecurity? Security);

/// <summary>
/// Makes the ways between trainers: within the process directly, to other nodes over streams beside their messages, since actors' mailboxes
/// are not for gigabytes. It listens from the first team on that others may have to come to.
/// </summary>
/// <param name="place">Null for a process by itself, which opens no port.</param>
/// <param name="refused">Is told of callers who are not let in.</param>
internal sealed class LinkHost(LinkPlace? place, Action<string> refused) : IAsyncDisposable
{
    /// <summary>Trainers of other nodes at once; each holds its stream as long as its stage takes.</summary>
    private const int MostCallers = 4096;

    private const int KeyLength = 64;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly string process = Guid.NewGuid().ToString("N");
    private readonly ConcurrentDictionary<string, Team> teams = new(StringComparer.Ordinal);
    private readonly Lock opening = new();
    private PeerListener? listener;

    /// <summary>Rank 0: waits for the others of a team from now on.</summary>
    /// <exception cref="CoinException">The port cannot be had.</exception>
    public Team Open(int trainers)
    {
        var port = 0;
        if (place is not null)
        {
            lock (opening)
            {
                listener ??= PeerListener.Start(place.Host, place.Port, place.Security, GreetAsync, refused, MostCallers);
                port = listener.Port;
            }
        }

        var team = new Team(
            this,
            trainers,
            new LinkAddress(process, place?.Host, port, RandomNumberGenerator.GetHexString(KeyLength, lowercase: true))
        );
        teams[team.Address.Key] = team;
        return team;
    }

    /// <summary>The others: goes to rank 0.</summary>
    /// <exception cref="TrainerLostException">It is not there any more.</exception>
    /// <exception cref="CoinException">It cannot be reached, or is not of this cluster.</exception>
    public async Task<ITrainingLink> MeetAsync(LinkAddress address, int rank)
    {
        if (address.Process == process)
        {
            var (first, second) = LocalLink.Pair();
            return teams.TryGetValue(address.Key, out var team) && team.Join(rank, first)
                ? second
                : throw new TrainerLostException("the first trainer of the stage has ended its part");
        }

        if (place is null || address.Host is null)
        {
            throw new CoinException(
                "A trainer of another process is to take part in a stage, but this process or that one is in no cluster."
            );
        }

        var stream = await ReachAsync(address, place.Security).ConfigureAwait(false);
        try
        {
            using var patience = new CancellationTokenSource(Patience);
            await stream.WriteAsync(Hello(address.Key, rank), patience.Token).ConfigureAwait(false);
            await stream.FlushAsync(patience.Token).ConfigureAwait(false);
            await stream.ReadExactlyAsync(new byte[1], patience.Token).ConfigureAwait(false);
            return new StreamLink(stream, $"rank 0 at {address.Host}:{address.Port}");
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            throw Gone(address, e);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var team in teams.Values)
        {
            team.Dispose();
        }

        if (Interlocked.Exchange(ref listener, null) is { } open)
        {
            await open.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Calls rank 0, for a while again and again where it does not answer: its host may be busy.</summary>
    private static async Task<Stream> ReachAsync(LinkAddress address, ChannelSecurity? security)
    {
        for (var clock = Stopwatch.StartNew(); ; )
        {
            try
            {
                return await PeerStreams.ConnectAsync(address.Host!, address.Port, security, CancellationToken.None).ConfigureAwait(false);
            }
            catch (IOException e) when (e is { InnerException: OperationCanceledException } && clock.Elapsed < Patience)
            {
                // Again.
            }
            catch (IOException e)
                when (e
                        is {
                            InnerException: SocketException
                            {
                                SocketErrorCode: SocketError.ConnectionRefused or SocketError.ConnectionReset
                            }
                        }
                )
            {
                throw Gone(address, e);
            }
            catch (IOException e)
            {
                throw new CoinException(
                    $"The first trainer of the stage cannot be reached: {e.Message.TrimEnd('.')}. Hosts that train a stage together (training.world-size) "
                        + "need TCP connections with each other at their coin.node.link-port, and certificates of one authority.",
                    e
                );
            }
        }
    }

    private static TrainerLostException Gone(LinkAddress address, Exception cause) =>
        new($"rank 0 at {address.Host}:{address.Port} is not there any more: {cause.Message.TrimEnd('.')}", cause);

    private static byte[] Hello(string key, int rank) => [.. Encoding.ASCII.GetBytes(key), (byte)rank, (byte)(rank >> 8)];

    /// <summary>Lets in who belongs to a team, as long as its link lasts; to others nothing is said.</summary>
    private async Task GreetAsync(Stream stream, CancellationToken stop)
    {
        var hello = new byte[KeyLength + sizeof(ushort)];
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter(Patience);
        await stream.ReadExactlyAsync(hello, patience.Token).ConfigureAwait(false);
        if (!teams.TryGetValue(Encoding.ASCII.GetString(hello.AsSpan(..KeyLength)), out var team))
        {
            return;
        }

        await stream.WriteAsync(new byte[] { 1 }, patience.Token).ConfigureAwait(false);
        await stream.FlushAsync(patience.Token).ConfigureAwait(false);
        var rank = hello[^2] | (hello[^1] << 8);
        using var link = new StreamLink(stream, $"rank {rank}");
        if (team.Join(rank, link))
        {
            await link.Ended.WaitAsync(stop).ConfigureAwait(false);
        }
    }

    /// <summary>The ends of rank 0, each of which waits until the trainer for it has come.</summary>
    internal sealed class Team(LinkHost host, int trainers, LinkAddress address) : IDisposable
    {
        private readonly PendingLink[] links = [.. Enumerable.Range(1, trainers - 1).Select(_ => new PendingLink())];
        private readonly HashSet<int> taken = [];
        private bool closed;

        /// <summary>For the others.</summary>
        public LinkAddress Address => address;

        /// <summary>By rank, from 1.</summary>
        public IReadOnlyList<ITrainingLink> Links => links;

        /// <summary>A trainer comes.</summary>
        /// <returns>Whether there is a place for it; where there is none, its link is closed.</returns>
        public bool Join(int rank, ITrainingLink link)
        {
            lock (taken)
            {
                if (closed || rank < 1 || rank > links.Length || !taken.Add(rank))
                {
                    link.Dispose();
                    return false;
                }
            }

            links[rank - 1].Set(link);
            return true;
        }

        public void Dispose()
        {
            lock (taken)
            {
                closed = true;
            }

            host.teams.TryRemove(address.Key, out _);
            foreach (var link in links)
            {
                link.Dispose();
            }
        }
    }
}
