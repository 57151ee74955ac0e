using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Newtonsoft.Json.Linq;

namespace CoIN.EndToEnd.Tests.Support;

/// <summary>An endpoint that misbehaves as it is told, in a process of its own.</summary>
internal sealed class EndpointProcess : IDisposable
{
    private readonly Process process;

    private EndpointProcess(Process process, int port) => (this.process, Port) = (process, port);

    public int Port { get; }

    public string Address => $"http://127.0.0.1:{Port}/v1";

    /// <param name="manners">See the endpoint's own description; the last one goes on for ever.</param>
    /// <param name="port">0 for a free one.</param>
    public static async Task<EndpointProcess> StartAsync(string manners, int port = 0)
    {
        port = port == 0 ? FreePort() : port;
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in new[] { "exec", Path.Combine(AppContext.BaseDirectory, "CoIN.UnrulyEndpoint.dll"), $"{port}", manners })
        {
            start.ArgumentList.Add(argument);
        }

        var process = Process.Start(start)!;
        process.ErrorDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        Assert.Equal("listening", await process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromMinutes(1)));
        return new EndpointProcess(process, port);
    }

    /// <summary>What it was asked so far.</summary>
    public async Task<(IReadOnlyList<JObject> Requests, int MostUnderWay)> SeenAsync()
    {
        using var http = new HttpClient();
        var seen = JObject.Parse(await http.GetStringAsync(new Uri($"http://127.0.0.1:{Port}/seen")));
        return ([.. seen["requests"]!.Cast<JObject>()], (int)seen["mostUnderWay"]!);
    }

    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public void Dispose()
    {
        process.Kill();
        process.WaitForExit();
        process.Dispose();
    }
}
