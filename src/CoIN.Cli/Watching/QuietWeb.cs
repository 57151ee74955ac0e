using System.Net;
using System.Net.Sockets;
using CoIN.Benchmark;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace CoIN.Cli.Watching;

/// <summary>A web server that says nothing of its own and leaves signals to the command.</summary>
internal static class QuietWeb
{
    private static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(2);

    /// <summary>One that will listen on an address, and answers nothing yet.</summary>
    /// <param name="port">0 for any that is free.</param>
    public static WebApplication Build(IPAddress address, int port)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder
            .WebHost.UseKestrelCore()
            .ConfigureKestrel(kestrel =>
            {
                kestrel.AddServerHeader = false;
                kestrel.Listen(address, port);
            });
        builder.Services.AddSingleton<IHostLifetime, NoSignals>();
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = ShutdownTimeout);
        return builder.Build();
    }

    /// <summary>Begins to listen.</summary>
    /// <param name="option">Where another port can be asked for.</param>
    /// <returns>The address for people, with a slash at its end.</returns>
    /// <exception cref="CoinException">The address cannot be listened on; the server is disposed of.</exception>
    public static async Task<string> StartAsync(WebApplication app, IPAddress address, int port, string option)
    {
        try
        {
            await app.StartAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            await app.DisposeAsync().ConfigureAwait(false);
            throw new CoinException(
                $"Cannot listen on {address}, port {port}: {e.Message.TrimEnd('.')}. Choose another one with {option}, or 0 for any that is free.",
                e
            );
        }

        var taken = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        var host =
            IPAddress.IsLoopback(address) ? "localhost"
            : address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any) ? Environment.MachineName
            : address.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{address}]"
            : address.ToString();
        return FormattableString.Invariant($"http://{host}:{taken.Port}/");
    }

    private sealed class NoSignals : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
