using CoIN.Actors.Hosting;
using CoIN.Actors.Links;
using CoIN.Actors.Tests.Support;
using CoIN.Benchmark;
using CoIN.Benchmark.Learning;

namespace CoIN.Actors.Tests.Links;

/// <summary>Ways between trainers: the same within a process, over a connection in clear text and over one with certificates.</summary>
public sealed class LinkHostTests : IAsyncDisposable
{
    private const string Here = "localhost";

    // More than one part, and no whole number of parts.
    private static readonly float[] Numbers = [.. Enumerable.Range(0, 150_001).Select(i => i / 7f)];

    private readonly TemporaryFolder folder = new();
    private readonly List<NodeIdentity> identities = [];
    private readonly List<LinkHost> hosts = [];
    private readonly TaskCompletionSource<string> refused = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public async ValueTask DisposeAsync()
    {
        foreach (var host in hosts)
        {
            await host.DisposeAsync();
        }

        identities.ForEach(identity => identity.Dispose());
        folder.Dispose();
    }

    [Theory]
    [InlineData("process")]
    [InlineData("clear")]
    [InlineData("certificates")]
    public async Task Numbers_and_figures_come_as_they_were_sent(string way)
    {
        var (first, second) = Hosts(way);
        using var team = first.Open(3);
        using var other = await second.MeetAsync(team.Address, 2);
        var report = new StepReport(4, 1.0 / 3, 2e-4, Math.PI, 5, 6);
        var message = new LinkMessage(3, 2) { MicroBatches = [new(0.1, 2, 30), new(double.Epsilon, 1, 1)], Report = report };
        var sending = other.SendAsync(message, Numbers);
        var got = new float[Numbers.Length];
        var read = await team.Links[1].ReceiveAsync((offset, part) => part.CopyTo(got.AsSpan(offset)));
        await sending;
        Assert.Equal(Numbers, got);
        Assert.Equivalent(message, read, strict: true);

        var back = team.Links[1].SendAsync(new LinkMessage(4, -1), Array.Empty<float>());
        Assert.Equal(4, (await other.ReceiveAsync((_, _) => { })).Step);
        await back;
    }

    [Theory]
    [InlineData("process")]
    [InlineData("clear")]
    [InlineData("certificates")]
    public async Task A_sender_waits_for_its_receiver_and_notices_when_that_is_gone(string way)
    {
        var (first, second) = Hosts(way);
        var team = first.Open(2);
        using var other = await second.MeetAsync(team.Address, 1);
        var much = new float[8_000_000];
        var sending = other.SendAsync(new LinkMessage(0, 1), much);
        Assert.NotSame(sending, await Task.WhenAny(sending, Task.Delay(300, TestContext.Current.CancellationToken)));
        team.Dispose();
        await Assert.ThrowsAsync<TrainerLostException>(() => sending);
        await Assert.ThrowsAsync<TrainerLostException>(() => second.MeetAsync(team.Address, 1));
    }

    [Fact]
    public async Task Teams_of_a_node_share_its_port_and_a_node_that_ends_leaves_none_of_them_waiting()
    {
        var (first, second) = Hosts("clear");
        using var one = first.Open(2);
        using var two = first.Open(2);
        Assert.Equal(one.Address.Port, two.Address.Port);
        using var toTwo = await second.MeetAsync(two.Address, 1);
        var sent = toTwo.SendAsync(new LinkMessage(2, 1), Array.Empty<float>());
        Assert.Equal(2, (await two.Links[0].ReceiveAsync((_, _) => { })).Step);
        await sent;

        var waiting = one.Links[0].ReceiveAsync((_, _) => { });
        await first.DisposeAsync();
        await Assert.ThrowsAsync<TrainerLostException>(() => waiting);
        await Assert.ThrowsAsync<TrainerLostException>(() => toTwo.ReceiveAsync((_, _) => { }));
        await Assert.ThrowsAsync<TrainerLostException>(() => second.MeetAsync(one.Address, 1));
    }

    [Fact]
    public async Task Whoever_has_not_the_key_or_takes_a_place_that_is_taken_does_not_come_in()
    {
        var (first, second) = Hosts("clear");
        using var team = first.Open(2);
        var waiting = team.Links[0].ReceiveAsync((_, _) => { });
        await Assert.ThrowsAsync<TrainerLostException>(() => second.MeetAsync(team.Address with { Key = new string('0', 64) }, 1));
        Assert.False(waiting.IsCompleted);
        using var own = await second.MeetAsync(team.Address, 1);
        using var late = await second.MeetAsync(team.Address, 1);
        var sent = own.SendAsync(new LinkMessage(1, 1), Array.Empty<float>());
        Assert.Equal(1, (await waiting).Step);
        await sent;
        await Assert.ThrowsAsync<TrainerLostException>(() => late.ReceiveAsync((_, _) => { }));
    }

    [Fact]
    public async Task A_host_without_a_certificate_of_the_authority_is_refused_on_both_sides()
    {
        var (first, second) = Hosts("certificates");
        ClusterCertificates.Issue(folder.Of("other"), [Here], 30, false, DateTimeOffset.UtcNow);
        var stranger = Host(NodeCertificate.In(folder.Of("other"), Here));
        var plain = Host(new LinkPlace(Here, 0, null));
        using var team = first.Open(2);
        await Assert.ThrowsAnyAsync<Exception>(() => stranger.MeetAsync(team.Address, 1));
        await Assert.ThrowsAsync<TrainerLostException>(() => plain.MeetAsync(team.Address, 1));
        await refused.Task.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        using var theirs = stranger.Open(2);
        Assert.Contains(
            "certificates of one authority",
            (await Assert.ThrowsAsync<CoinException>(() => second.MeetAsync(theirs.Address, 1))).Message,
            StringComparison.Ordinal
        );
        using var right = await second.MeetAsync(team.Address, 1);
        var sent = right.SendAsync(new LinkMessage(1, 1), Array.Empty<float>());
        Assert.Equal(1, (await team.Links[0].ReceiveAsync((_, _) => { })).Step);
        await sent;
    }

    [Fact]
    public void A_process_by_itself_opens_no_port()
    {
        using var team = Host((LinkPlace?)null).Open(2);
        Assert.Equal((null, 0), (team.Address.Host, team.Address.Port));
    }

    private (LinkHost First, LinkHost Second) Hosts(string way)
    {
        if (way == "process")
        {
            var one = Host((LinkPlace?)null);
            return (one, one);
        }

        if (way == "clear")
        {
            return (Host(new LinkPlace("127.0.0.1", 0, null)), Host(new LinkPlace("127.0.0.1", 0, null)));
        }

        ClusterCertificates.Issue(folder.Of("c"), [Here], 30, false, DateTimeOffset.UtcNow);
        var certificate = NodeCertificate.In(folder.Of("c"), Here);
        return (Host(certificate), Host(certificate));
    }

    private LinkHost Host(NodeCertificate certificate)
    {
        var identity = NodeIdentity.Open(certificate);
        identities.Add(identity);
        return Host(new LinkPlace(Here, 0, identity.Channel()));
    }

    private LinkHost Host(LinkPlace? place)
    {
        hosts.Add(new LinkHost(place, why => refused.TrySetResult(why)));
        return hosts[^1];
    }
}
