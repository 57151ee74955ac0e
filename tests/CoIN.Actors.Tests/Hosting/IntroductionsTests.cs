using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Cluster;
using Akka.Event;
using Akka.Hosting;
using CoIN.Actors.Hosting;
using CoIN.Actors.Journal;
using CoIN.Actors.Tests.Support;
using CoIN.Benchmark;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using static CoIN.Actors.Protocol.NodeProtocol;

namespace CoIN.Actors.Tests.Hosting;

/// <summary>Nodes that do not go together find it out, and say so by name.</summary>
public sealed class IntroductionsTests : IAsyncDisposable
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(60);
    private static readonly NodeFacts Facts = new("1.0+a", "db", 1_000_000_000_000, "f.seen", "text");
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeMilliseconds(Facts.UnixMilliseconds);

    private readonly TemporaryFolder folder = new();
    private readonly List<Node> nodes = [];

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(nodes.Select(node => node.Host.StopAsync()));
        nodes.ForEach(node => node.Host.Dispose());
        folder.Dispose();
    }

    [Fact]
    public void What_must_be_the_same_is_told_with_both_values_and_a_remedy()
    {
        Assert.Null(NodeMismatch.Between(Facts, Facts with { Proof = "g.seen" }, seesProof: true, "/runs", Now));
        Assert.Null(NodeMismatch.Between(Facts, Facts, true, "/runs", Now.AddSeconds(59)));
        Told("the program's version is 1.0+a here and 1.1+b there", Facts with { Program = "1.1+b" });
        Told("the journal's database is db here and other there", Facts with { Journal = "other" });
        Told("(300 s behind)", Facts with { UnixMilliseconds = Facts.UnixMilliseconds - 300_000 });
        Told("(300 s ahead)", Facts with { UnixMilliseconds = Facts.UnixMilliseconds + 300_000 });
        Told("coin.cluster.shared-folder is true here and false there", Facts with { SharedFolder = false });
        var own = Facts with { SharedFolder = false };
        Assert.Null(NodeMismatch.Between(own, own, seesProof: false, "/runs", Now));
        Assert.Contains(
            "is /runs here and the same folder",
            NodeMismatch.Between(own, own, seesProof: true, "/runs", Now)!.Told("h:1"),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "the folder of the runs is /runs here",
            NodeMismatch.Between(Facts, Facts, false, "/runs", Now)!.Told("h:1"),
            StringComparison.Ordinal
        );
    }

    private static void Told(string expected, NodeFacts other)
    {
        var mismatch = NodeMismatch.Between(Facts, other, seesProof: true, "/runs", Now)!;
        Assert.Contains(expected, mismatch.Told("h:1"), StringComparison.Ordinal);
        Assert.StartsWith("h:1 is not taken into this cluster", mismatch.Told("h:1"), StringComparison.Ordinal);
        Assert.Contains(expected, mismatch.Fault("h:1").Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nodes_that_go_together_stay_and_others_go_by_themselves()
    {
        var first = await StartAsync("runs", null);
        var seed = $"127.0.0.1:{first.Cluster.SelfAddress.Port}";
        var second = await StartAsync("runs", seed);
        await UntilAsync(() => Up(first) == 2);
        var (version, clock, elsewhere) = (
            await StartAsync("runs", seed, program: "2.0+x"),
            await StartAsync("runs", seed, ahead: TimeSpan.FromMinutes(5)),
            await StartAsync("other-runs", seed)
        );
        Assert.Contains(
            "the program's version is 2.0+x here and 1.0+a there",
            (await version.Gone.Task.WaitAsync(Longest, TestContext.Current.CancellationToken)).Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "the clock is",
            (await clock.Gone.Task.WaitAsync(Longest, TestContext.Current.CancellationToken)).Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            $"the folder of the runs is {folder.Of("other-runs")} here",
            (await elsewhere.Gone.Task.WaitAsync(Longest, TestContext.Current.CancellationToken)).Message,
            StringComparison.Ordinal
        );
        await UntilAsync(() => Up(first) == 2 && first.Cluster.State.Members.Count == 2);
        Assert.False(second.Gone.Task.IsCompleted);
        Assert.False(first.Gone.Task.IsCompleted);
        foreach (var gone in new[] { version, clock, elsewhere })
        {
            Assert.Contains(first.Warnings, warning =>
                warning.StartsWith($"127.0.0.1:{gone.Port} is not taken into this cluster", StringComparison.Ordinal)
            );
        }

        // Each wrote one file, and took it away again.
        Assert.Equal(2, Directory.GetFiles(folder.Of("runs/.nodes")).Length);
    }

    private static int Up(Node node) => node.Cluster.State.Members.Count(member => member.Status == MemberStatus.Up);

    private static async Task UntilAsync(Func<bool> condition)
    {
        for (var attempt = 0; attempt < 1200 && !condition(); attempt++)
        {
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }

        Assert.True(condition());
    }

    private async Task<Node> StartAsync(string runs, string? seed, string program = "1.0+a", TimeSpan ahead = default)
    {
        Directory.CreateDirectory(folder.Of(runs));
        var gone = new TaskCompletionSource<CoinException>(TaskCreationOptions.RunContinuationsAsynchronously);
        var warnings = new ConcurrentQueue<string>();
        var builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(
            new HostApplicationBuilderSettings { DisableDefaults = true }
        );
        builder.Services.AddAkka("coin", akka =>
        {
            akka.AddHocon(JournalConfig.For(folder.Of("journal.db")), HoconAddMode.Prepend)
                .AddHocon(
                    "akka { loglevel = WARNING, stdout-loglevel = OFF, coordinated-shutdown { exit-clr = off, run-by-clr-shutdown-hook = off } }",
                    HoconAddMode.Prepend
                )
                .ConfigureLoggers(loggers => loggers.ClearLoggers());
            ClusterNode.Configure(
                akka,
                new NodePlacement.Cluster("127.0.0.1", 0, seed is null ? [] : [seed], null),
                ["judge"],
                new Actors.Hosting.ClusterSettings { Patience = 5 }
            );
            akka.WithActors(
                (system, _, _) =>
                {
                    system.EventStream.Subscribe(system.ActorOf(Props.Create(() => new Listener(warnings))), typeof(Warning));
                    system.ActorOf(
                        Props.Create(() =>
                            new Introductions(program, "db", folder.Of(runs), true, new Clock(ahead), fault => Goes(system, gone, fault))
                        ),
                        Introductions.Name
                    );
                }
            );
        });
        var host = builder.Build();
        await host.StartAsync(TestContext.Current.CancellationToken);
        var cluster = Cluster.Get(host.Services.GetRequiredService<ActorSystem>());
        nodes.Add(new Node(host, cluster, cluster.SelfAddress.Port!.Value, gone, warnings));
        return nodes[^1];
    }

    private static void Goes(ActorSystem system, TaskCompletionSource<CoinException> gone, CoinException fault)
    {
        gone.TrySetResult(fault);
        _ = Task.Delay(Introductions.Farewell)
            .ContinueWith(_ => Cluster.Get(system).Leave(Cluster.Get(system).SelfAddress), TaskScheduler.Default);
    }

    private sealed record Node(
        IHost Host,
        Cluster Cluster,
        int Port,
        TaskCompletionSource<CoinException> Gone,
        ConcurrentQueue<string> Warnings
    );

    private sealed class Clock(TimeSpan ahead) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + ahead;
    }

    private sealed class Listener : ReceiveActor
    {
        public Listener(ConcurrentQueue<string> warnings) => Receive<Warning>(warning => warnings.Enqueue($"{warning.Message}"));
    }
}
