using CoIN.Actors.Hosting;
using CoIN.Actors.Nodes;
using CoIN.Actors.Telemetry;
using CoIN.Benchmark;
using CoIN.Cli.Commands;
using CoIN.Cli.Engine;
using CoIN.Cli.Tests.Support;
using Microsoft.Extensions.Logging;

namespace CoIN.Cli.Tests.Commands;

public sealed class NodeCommandTests : IDisposable
{
    private readonly CommandLine line = new();

    public void Dispose() => line.Dispose();

    [Fact]
    public async Task A_node_sends_what_happens_in_it_until_it_ends()
    {
        await using var receiver = new OtlpReceiver();
        var host = line.Host() with { Cluster = new TrainingNode() };
        string[] settings =
        [
            "node.cluster=clear-text",
            "cluster.journal=\"Host=127.0.0.1;Database=coin\"",
            $"watch.otlp=\"{receiver.Address}\"",
        ];
        var code = await CommandTree.InvokeAsync(
            host,
            ["node", "--runs", line.Runs, "--join", "127.0.0.1:5300", .. settings.SelectMany(one => new[] { "--set", one })]
        );
        Assert.True(code == 0, line.Out + line.Error);
        var sent = string.Concat(receiver.Requests.Where(request => request.Path == "/v1/metrics").Select(request => request.Body));
        Assert.Contains("coin.training.loss", sent, StringComparison.Ordinal);
        Assert.Contains("of-a-node", sent, StringComparison.Ordinal);
    }

    /// <summary>Whoever gives a run to a cluster need not be one of its hosts.</summary>
    [Fact]
    public async Task A_run_for_a_cluster_is_checked_as_far_as_its_files_are_here_and_what_is_not_is_told()
    {
        line.WriteConfiguration();
        string[] submit = ["run", "a.hocon", "--cluster", "127.0.0.1:5300", "--set", "node.devices=[\"cuda:0\"]"];
        Assert.Equal(1, await Submitted());
        Assert.Contains("the cluster is asked", line.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("Not checked", line.Error, StringComparison.Ordinal);
        Assert.Single(line.Engine.Checked);
        Assert.Empty(line.Engine.Devices);

        Assert.Equal(1, await Submitted("--set", "data.images=\"/far/images\""));
        Assert.Contains("Not checked: coin.data.images, /far/images, is not on this computer.", line.Error, StringComparison.Ordinal);
        Assert.Equal(2, line.Engine.Checked.Count);

        // Without a model there is nothing that could be checked with it.
        Assert.Equal(1, await Submitted("--set", "model.path=\"/far/model\""));
        Assert.Contains("Not checked: coin.model.path, /far/model, is not on this computer.", line.Error, StringComparison.Ordinal);
        Assert.Equal(2, line.Engine.Checked.Count);

        File.Delete(line.Folder.PathOf("data", "GQA", "test.json"));
        Assert.Equal(1, await Submitted("--set", "model.path=\"/far/model\""));
        Assert.Contains("coin.tasks.GQA.test-file", line.Error, StringComparison.Ordinal);

        Task<int> Submitted(params string[] more) =>
            CommandTree.InvokeAsync(line.Host() with { Cluster = new TrainingNode() }, [.. submit, .. more]);
    }

    /// <summary>A node in which a step is trained.</summary>
    private sealed class TrainingNode : IClusterEngine
    {
        public Task RunNodeAsync(NodeRequest request, ILoggerFactory logs, Action up, CancellationToken stop)
        {
            RunMetrics.Step(new WorkPlace("of-a-node", 1, "GQA"), "cpu", 0.5, 1e-3, 1.5, tokens: 640, seconds: 2);
            return Task.CompletedTask;
        }

        public Task<ClusterConnection> OpenAsync(NodePlacement.Cluster placement, IReadOnlyList<string> contacts, ILoggerFactory logs) =>
            throw new CoinException("the cluster is asked");
    }
}
