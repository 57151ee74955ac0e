using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using CoIN.Benchmark;

namespace CoIN.Actors.Channels;

/// <summary>A port at which other nodes call this one, beside its messages.</summary>
internal sealed class PeerListener : IAsyncDisposable
{
    /// <summary>Calls that are served at once where nobody says how many; more wait in the operating system's queue.</summary>
    private const int Most = 64;

    private readonly TcpListener listener;
    private readonly ChannelSecurity? security;
    private readonly Func<Stream, CancellationToken, Task> serve;
    private readonly Action<string> refused;
    private readonly CancellationTokenSource stop = new();
    private readonly SemaphoreSlim places;
    private readonly Task work;

    private PeerListener(
        TcpListener listener,
        ChannelSecurity? security,
        Func<Stream, CancellationToken, Task> serve,
        Action<string> refused,
        int most
    )
    {
        (this.listener, this.security, this.serve, this.refused, places) = (listener, security, serve, refused, new SemaphoreSlim(most));
        work = Task.Run(ListenAsync);
    }

    /// <summary>The TCP port.</summary>
    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    /// <summary>Begins to listen.</summary>
    /// <param name="host">Name or address of this host.</param>
    /// <param name="port">0 for any free one.</param>
    /// <param name="security">Null for clear text, which stays on loopback.</param>
    /// <param name="serve">
    /// Serves a call; the stream is closed when it returns. An <see cref="IOException"/> of it is a caller that has gone.
    /// </param>
    /// <param name="refused">Is told of callers who are not let in.</param>
    /// <param name="most">Calls that are served at once.</param>
    /// <exception cref="CoinException">It cannot listen there.</exception>
    public static PeerListener Start(
        string host,
        int port,
        ChannelSecurity? security,
        Func<Stream, CancellationToken, Task> serve,
        Action<string> refused,
        int most = Most
    )
    {
        try
        {
            var address =
                IPAddress.TryParse(host, out var written) ? written
                : Dns.GetHostAddresses(host) is [var first, ..] ? first
                : throw new SocketException((int)SocketError.HostNotFound);
            if (security is null && !IPAddress.IsLoopback(address))
            {
                throw new CoinException(
                    $"{host} is not a loopback address, and clear text never leaves the computer: set node.cluster to tls and name the certificates."
                );
            }

            var listener = new TcpListener(address, port);
            listener.Start();
            return new PeerListener(listener, security, serve, refused, most);
        }
        catch (SocketException e)
        {
            throw new CoinException(
                $"This node cannot listen on {host}:{port}: {e.Message.TrimEnd('.')}. Name another port, or a name that is this host's.",
                e
            );
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync().ConfigureAwait(false);
        listener.Stop();
        await work.ConfigureAwait(false);
        stop.Dispose();
    }

    private async Task ListenAsync()
    {
        while (!stop.IsCancellationRequested)
        {
            TcpClient caller;
            try
            {
                await places.WaitAsync(stop.Token).ConfigureAwait(false);
                caller = await listener.AcceptTcpClientAsync(stop.Token).ConfigureAwait(false);
            }
            catch (Exception e)
                when (e is OperationCanceledException or ObjectDisposedException || (e is SocketException && stop.IsCancellationRequested))
            {
                return;
            }
            catch (SocketException)
            {
                // A caller who has gone before it was heard.
                places.Release();
                continue;
            }

            _ = Task.Run(() => TakeAsync(caller));
        }
    }

    private async Task TakeAsync(TcpClient caller)
    {
        var peer = "a caller";
        try
        {
            using (caller)
            {
                caller.NoDelay = true;
                PeerStreams.KeepAlive(caller);
                peer = $"{caller.Client.RemoteEndPoint}";
                await using var stream = await SecuredAsync(caller.GetStream()).ConfigureAwait(false);
                await serve(stream, stop.Token).ConfigureAwait(false);
            }
        }
        catch (AuthenticationException e)
        {
            refused($"{peer}: {e.GetBaseException().Message}");
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // It has gone, or this node ends; whoever needs something calls again.
        }
        catch (Exception e)
        {
            refused($"{peer}: {e.GetType().Name}: {e.Message}");
        }
        finally
        {
            places.Release();
        }
    }

    private async Task<Stream> SecuredAsync(Stream stream)
    {
        if (security is null)
        {
            return stream;
        }

        var secure = new SslStream(stream);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop.Token);
        patience.CancelAfter(PeerStreams.HandshakeWithin);
        await secure.AuthenticateAsServerAsync(security.Server, patience.Token).ConfigureAwait(false);
        return secure;
    }
}
