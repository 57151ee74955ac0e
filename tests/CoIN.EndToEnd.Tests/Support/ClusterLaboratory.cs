using CoIN.Actors.Tests.Support;

namespace CoIN.EndToEnd.Tests.Support;

/// <summary>A laboratory with a database and the outcome of a run that nothing disturbed.</summary>
public class ClusterLaboratory : IAsyncLifetime
{
    private static readonly string[] OneThread = ["node.trainer-threads=1", "node.evaluator-threads=1"];

    internal Laboratory Lab { get; } = new();

    /// <summary>Of the run on one process alone.</summary>
    internal IReadOnlyList<string> Essence { get; private set; } = [];

    internal PostgresServer Database { get; private set; } = null!;

    /// <summary>The hosts of the nodes; null for one host.</summary>
    internal virtual TestNetwork? Network => null;

    /// <summary>What all its runs have in common.</summary>
    internal virtual string[] Settings => [];

    /// <summary>How long a run may take.</summary>
    internal virtual TimeSpan Longest => TimeSpan.FromMinutes(3);

    public virtual async ValueTask InitializeAsync()
    {
        Database = await PostgresServer.StartAsync(Network is { } network ? [network.Addresses[0]] : []);
        await Lab.InitializeAsync();
        using var undisturbed = CoinProcess.Start(Lab.Run("whole", [.. OneThread, .. Settings]));
        await undisturbed.EndAsync(Longest);
        Assert.True(undisturbed.ExitCode == 0, undisturbed.Output);
        Essence = Lab.Essence("whole");
    }

    public virtual async ValueTask DisposeAsync()
    {
        await Lab.DisposeAsync();
        if (Database is not null)
        {
            await Database.DisposeAsync();
        }

        GC.SuppressFinalize(this);
    }

    /// <summary>A cluster of its own.</summary>
    /// <param name="patience">Seconds for which a node may be silent.</param>
    /// <param name="own">Whether each node has its own folder of runs.</param>
    /// <param name="certified">Whether the nodes show certificates.</param>
    internal async Task<TestCluster> ClusterAsync(int patience = 3, bool own = false, bool certified = false)
    {
        var certificates = Path.Combine(Lab.Folder, "certificates");
        if (certified && !Directory.Exists(certificates))
        {
            var (code, output) = await CoinProcess.RunAsync(
                "cluster",
                "certs",
                "--out",
                certificates,
                "--hosts",
                string.Join(',', Network?.Addresses ?? ["127.0.0.1"])
            );
            Assert.True(code == 0, output);
        }

        return new TestCluster(Lab, await Database.CreateDatabaseAsync(), patience, own, certified ? certificates : null, Network);
    }
}

/// <summary>Nodes on loopback or on the hosts of a network, each a process, and the commands that speak with them.</summary>
internal sealed class TestCluster(
    Laboratory lab,
    string database,
    int patience,
    bool own,
    string? certificates,
    TestNetwork? network = null
) : IDisposable
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(1);

    private readonly int[] seeds = [EndpointProcess.FreePort(), EndpointProcess.FreePort()];
    private readonly List<CoinProcess> nodes = [];

    /// <summary>Where its journal is.</summary>
    public string Database => database;

    /// <summary>As <c>--cluster</c> and <c>--join</c> want it.</summary>
    public string Contacts => string.Join(',', seeds.Select((port, place) => $"{AddressOf(place)}:{port}"));

    /// <summary>What a command needs to speak with the nodes.</summary>
    public string[] Way => ["--cluster", Contacts, .. Door.SelectMany(setting => new[] { "--set", setting })];

    private string[] Door =>
        certificates is null ? [] : ["node.cluster=tls", $"node.hostname={AddressOf(0)}", $"cluster.certificates={certificates}"];

    /// <summary>Everything that a node wrote.</summary>
    public string Output => string.Join("\n\n", nodes.Select((node, place) => $"node {place + 1}:\n{node.Output}"));

    /// <summary>Starts a node and does not wait for it.</summary>
    /// <param name="seed">Which of the two nodes it is that the others ask to join; null for neither.</param>
    /// <param name="runs">Its folder of runs; null for that of all.</param>
    /// <param name="host">On which host of the network it is; null for that of its seed.</param>
    /// <param name="program">Folder of its program; null for the one beside these tests.</param>
    /// <param name="settings">What else is set, as <c>key=value</c>.</param>
    public CoinProcess Begin(
        int? seed,
        string roles,
        string? runs = null,
        int? host = null,
        string? program = null,
        params string[] settings
    )
    {
        var on = host ?? seed ?? 0;
        var node = CoinProcess.StartOn(
            network?.Namespaces[on],
            program,
            [
                "node",
                "--join",
                Contacts,
                "--port",
                seed is { } place ? $"{seeds[place]}" : "0",
                "--host",
                AddressOf(on),
                "--cpus",
                "1",
                "--roles",
                roles,
                "--runs",
                runs ?? lab.Runs,
                .. (certificates is null ? ["node.cluster=clear-text"] : Door).SelectMany(setting => new[] { "--set", setting }),
                "--set",
                $"cluster.shared-folder={(own ? "false" : "true")}",
                "--set",
                $"cluster.journal={database}",
                "--set",
                $"cluster.patience={patience}",
                "--set",
                "node.trainer-threads=1",
                "--set",
                "node.evaluator-threads=1",
                "--set",
                "node.judges=1",
                .. settings.SelectMany(setting => new[] { "--set", setting }),
            ]
        );
        nodes.Add(node);
        return node;
    }

    /// <summary>Starts a node and waits until it is in the cluster.</summary>
    /// <param name="runs">As in <see cref="Begin"/>.</param>
    /// <param name="host">As in <see cref="Begin"/>.</param>
    /// <param name="settings">As in <see cref="Begin"/>.</param>
    public async Task<CoinProcess> StartAsync(int? seed, string roles, string? runs = null, int? host = null, params string[] settings)
    {
        var node = Begin(seed, roles, runs is null ? null : Path.Combine(lab.Folder, runs), host, settings: settings);
        await IsThereAsync(node);
        return node;
    }

    public async Task IsThereAsync(CoinProcess node) => await SaysAsync(node, "is in the cluster as", "This node");

    /// <summary>Waits until a node has said something.</summary>
    public async Task SaysAsync(CoinProcess node, params string[] parts) =>
        Assert.True(
            await node.UntilAsync(
                () => node.Output.Split('\n').Any(line => parts.All(part => line.Contains(part, StringComparison.Ordinal))),
                Longest
            ),
            $"never said {string.Join(" … ", parts)}\n{Output}"
        );

    /// <summary>Waits until one of some nodes has said something.</summary>
    public async Task<CoinProcess> OneSaysAsync(string text, params CoinProcess[] some)
    {
        var found = await some[0].UntilAsync(() => some.Any(node => node.Output.Contains(text, StringComparison.Ordinal)), Longest);
        return found
            ? some.First(node => node.Output.Contains(text, StringComparison.Ordinal))
            : throw new Xunit.Sdk.XunitException($"nobody said {text}\n{Output}");
    }

    /// <summary>Gives a run to the cluster.</summary>
    public CoinProcess Submit(string id, params string[] settings) => CoinProcess.Start([.. lab.Run(id, settings), .. Way]);

    /// <summary>Waits for the end of a command that looks at a run which is to be completed.</summary>
    public async Task CompletesAsync(CoinProcess command)
    {
        try
        {
            await command.EndAsync(TimeSpan.FromMinutes(2));
        }
        catch (TimeoutException e)
        {
            throw new Xunit.Sdk.XunitException($"{e.Message}\n{Output}");
        }

        Assert.True(command.ExitCode == 0, $"{command.Output}\n{Output}");
    }

    public void Dispose() => nodes.ForEach(node => node.Dispose());

    private string AddressOf(int host) => network?.Addresses[host] ?? "127.0.0.1";
}
