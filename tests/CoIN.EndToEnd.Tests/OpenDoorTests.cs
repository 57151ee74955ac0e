using CoIN.EndToEnd.Tests.Support;

namespace CoIN.EndToEnd.Tests;

/// <summary>Whether anybody can connect to a process that drives a run.</summary>
public sealed class OpenDoorTests(Laboratory lab) : IClassFixture<Laboratory>
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task A_run_that_was_not_told_to_be_part_of_a_cluster_opens_no_socket()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "sockets are looked up in /proc");
        using var coin = CoinProcess.Start(lab.Run("alone", "order=[GQA]", "judge.kind=lexical"));
        var seen = new HashSet<string>();
        var looks = 0;
        while (!coin.HasExited)
        {
            try
            {
                seen.UnionWith(Sockets.Of(coin.Id));
                looks += coin.Output.Contains("training", StringComparison.Ordinal) ? 1 : 0;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // The process has ended.
            }

            await Task.Delay(5, TestContext.Current.CancellationToken);
        }

        Assert.True(coin.ExitCode == 0, coin.Output);
        Assert.Empty(seen);
        Assert.True(looks > 10, $"the run was looked at {looks} times only");
    }

    [Fact]
    public async Task A_node_of_a_cluster_is_seen_to_listen_on_loopback_only_and_warns()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "sockets are looked up in /proc");
        var port = EndpointProcess.FreePort();
        using var coin = CoinProcess.Start(
            lab.Run("node", "training.max-steps=500", "node.cluster=clear-text", "node.hostname=127.0.0.1", $"node.port={port}")
        );
        Assert.True(await coin.UntilAsync(() => coin.Output.Contains("training", StringComparison.Ordinal), Longest), coin.Output);
        Assert.Contains("speaks clear text", coin.Output, StringComparison.Ordinal);
        const string Listening = "0A";
        var listening = Assert.Single(Sockets.Of(coin.Id), line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[4] == Listening);
        Assert.Contains($"0100007F:{port:X4}", listening, StringComparison.Ordinal);
        await coin.KillAsync();
    }
}
