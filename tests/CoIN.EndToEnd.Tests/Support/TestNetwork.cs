using System.Diagnostics;

namespace CoIN.EndToEnd.Tests.Support;

/// <summary>
/// Hosts with a network between them that can be cut: the first is this one, each other a network namespace, all on a bridge. Making it
/// needs the superuser and iproute2.
/// </summary>
internal sealed class TestNetwork : IAsyncDisposable
{
    private readonly string name = $"coin{Environment.ProcessId % 100000}";
    private readonly List<string> made = [];
    private readonly List<(int From, int To)> cut = [];

    private TestNetwork(int hosts)
    {
        // 10.x.y.0/24; another process of tests takes another one.
        var net = $"10.{192 + Environment.ProcessId % 32}.{Environment.ProcessId / 32 % 256}";
        Addresses = [.. Enumerable.Range(1, hosts).Select(host => $"{net}.{host}")];
        Namespaces = [null, .. Enumerable.Range(1, hosts - 1).Select(host => $"{name}-{host}")];
    }

    /// <summary>IPv4 address of each host.</summary>
    public IReadOnlyList<string> Addresses { get; }

    /// <summary>Namespace of each host; null for the first.</summary>
    public IReadOnlyList<string?> Namespaces { get; }

    /// <returns>Null where none can be made, with the reason.</returns>
    public static async Task<(TestNetwork? Network, string? Reason)> TryAsync(int hosts)
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess)
        {
            return (null, "network namespaces need Linux and the superuser");
        }

        var network = new TestNetwork(hosts);
        try
        {
            await network.MakeAsync();
            return (network, null);
        }
        catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            await network.DisposeAsync();
            return (null, $"no network can be made: {e.Message}");
        }
    }

    /// <summary>From now on nothing that one host sends reaches the other: it goes to a card that nobody has.</summary>
    public async Task CutAsync(int from, int to)
    {
        await RunAsync([
            .. Within(from),
            "ip",
            "neighbour",
            "replace",
            Addresses[to],
            "lladdr",
            "02:00:00:00:00:01",
            "nud",
            "permanent",
            "dev",
            CardOf(from),
        ]);
        cut.Add((from, to));
    }

    /// <summary>Everybody reaches everybody again.</summary>
    public async Task MendAsync()
    {
        foreach (var (from, to) in cut)
        {
            await RunAsync([.. Within(from), "ip", "neighbour", "del", Addresses[to], "dev", CardOf(from)]);
        }

        cut.Clear();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var space in made)
        {
            await RunAsync(["ip", "netns", "del", space], mayFail: true);
        }

        await RunAsync(["ip", "link", "del", name], mayFail: true);
    }

    private async Task MakeAsync()
    {
        await RunAsync(["ip", "link", "add", name, "type", "bridge"]);
        await RunAsync(["ip", "address", "add", $"{Addresses[0]}/24", "dev", name]);
        await RunAsync(["ip", "link", "set", name, "up"]);
        for (var host = 1; host < Namespaces.Count; host++)
        {
            var space = Namespaces[host]!;
            await RunAsync(["ip", "netns", "add", space]);
            made.Add(space);
            await RunAsync(["ip", "link", "add", space, "type", "veth", "peer", "name", "eth0", "netns", space]);
            await RunAsync(["ip", "link", "set", space, "master", name, "up"]);
            await RunAsync([.. Within(host), "ip", "address", "add", $"{Addresses[host]}/24", "dev", "eth0"]);
            await RunAsync([.. Within(host), "ip", "link", "set", "eth0", "up"]);
            await RunAsync([.. Within(host), "ip", "link", "set", "lo", "up"]);
        }
    }

    private string CardOf(int host) => Namespaces[host] is null ? name : "eth0";

    private string[] Within(int host) => Namespaces[host] is { } space ? ["ip", "netns", "exec", space] : [];

    private static async Task RunAsync(string[] command, bool mayFail = false)
    {
        using var process = Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardError = true })!;
        var error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0 && !mayFail)
        {
            throw new InvalidOperationException($"{string.Join(' ', command)}: {error.Trim()}");
        }
    }
}
