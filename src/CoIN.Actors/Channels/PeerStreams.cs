using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;

namespace CoIN.Actors.Channels;

/// <summary>Streams between two nodes beside their messages: for what is too large for mailboxes, and must not delay heartbeats.</summary>
internal static class PeerStreams
{
    private static readonly TimeSpan ConnectWithin = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan SilentFor = TimeSpan.FromMinutes(1);

    /// <summary>How long the two ends may take to find each other trustworthy.</summary>
    internal static readonly TimeSpan HandshakeWithin = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Has the operating system say something where the two ends are silent for long: so it finds out that the other computer is gone
    /// without a word, and what is between them does not forget the connection.
    /// </summary>
    internal static void KeepAlive(TcpClient client)
    {
        client.Client.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        client.Client.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, (int)SilentFor.TotalSeconds);
    }

    /// <summary>Calls a node.</summary>
    /// <param name="security">Null for clear text, which stays on loopback.</param>
    /// <exception cref="IOException">Nobody answers, or one of the two does not trust the other.</exception>
    public static async Task<Stream> ConnectAsync(string host, int port, ChannelSecurity? security, CancellationToken stop)
    {
        var client = new TcpClient { NoDelay = true };
        try
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
            patience.CancelAfter(ConnectWithin);
            await client.ConnectAsync(host, port, patience.Token).ConfigureAwait(false);
            KeepAlive(client);
            if (security is null)
            {
                return IPAddress.IsLoopback(((IPEndPoint)client.Client.RemoteEndPoint!).Address)
                    ? client.GetStream()
                    : throw new IOException($"{host} is another computer, and clear text never leaves this one");
            }

            patience.CancelAfter(HandshakeWithin);
            var secure = new SslStream(client.GetStream());
            await secure.AuthenticateAsClientAsync(security.Client(host), patience.Token).ConfigureAwait(false);
            return secure;
        }
        catch (Exception e)
            when (e is SocketException or AuthenticationException || (e is OperationCanceledException && !stop.IsCancellationRequested))
        {
            client.Dispose();
            throw new IOException(
                e is OperationCanceledException ? $"{host}:{port} does not answer" : $"{host}:{port}: {e.GetBaseException().Message}",
                e
            );
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }
}
