using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace CoIN.Cli.Tests.Support;

/// <summary>A small receiver of OTLP over HTTP: it keeps whatever is posted.</summary>
internal sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly HttpListener listener = new();
    private readonly Task listening;

    public OtlpReceiver()
    {
        Address = $"http://127.0.0.1:{FreePort()}";
        listener.Prefixes.Add(Address + "/");
        listener.Start();
        listening = ListenAsync();
    }

    public string Address { get; }

    /// <summary>What came, the protocol buffers as if they were text: names stand in them as they are.</summary>
    public ConcurrentQueue<(string Path, string? Type, string Body)> Requests { get; } = [];

    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public async ValueTask DisposeAsync()
    {
        listener.Close();
        await listening;
    }

    private async Task ListenAsync()
    {
        try
        {
            while (true)
            {
                var context = await listener.GetContextAsync();
                using var body = new MemoryStream();
                await context.Request.InputStream.CopyToAsync(body);
                Requests.Enqueue((context.Request.Url!.AbsolutePath, context.Request.ContentType, Encoding.UTF8.GetString(body.ToArray())));
                context.Response.Close();
            }
        }
        catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
        {
            // Closed.
            return;
        }
    }
}
