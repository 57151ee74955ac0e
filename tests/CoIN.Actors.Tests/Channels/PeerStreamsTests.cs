using CoIN.Actors.Channels;
using CoIN.Actors.Hosting;
using CoIN.Actors.Tests.Support;
using CoIN.Benchmark;

namespace CoIN.Actors.Tests.Channels;

/// <summary>Channels between nodes: who gets in, and who does not.</summary>
public sealed class PeerStreamsTests : IDisposable
{
    private const string Host = "127.0.0.1";

    private readonly TemporaryFolder folder = new();
    private readonly List<NodeIdentity> identities = [];

    public void Dispose()
    {
        identities.ForEach(identity => identity.Dispose());
        folder.Dispose();
    }

    [Fact]
    public async Task Nodes_of_one_authority_speak_and_others_do_not()
    {
        var refused = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var listener = PeerListener.Start(Host, 0, Security("cluster"), EchoAsync, why => refused.TrySetResult(why));
        Assert.Equal("hello", await SayAsync(listener.Port, Security("cluster", issue: false)));

        // Either end may be the one that finds out.
        await Assert.ThrowsAnyAsync<IOException>(() => SayAsync(listener.Port, Security("strangers")));
        await Assert.ThrowsAnyAsync<IOException>(() => SayAsync(listener.Port, null));
        Assert.Contains(
            Host,
            await refused.Task.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_caller_without_a_certificate_is_refused()
    {
        var (own, served) = (Security("cluster"), false);
        await using var listener = PeerListener.Start(Host, 0, own, (_, _) => Task.FromResult(served = true), _ => { });
        var bare = own with
        {
            Client = host =>
            {
                var options = own.Client(host);
                (options.ClientCertificates, options.LocalCertificateSelectionCallback) = (null, null);
                return options;
            },
        };
        await Assert.ThrowsAnyAsync<IOException>(() => SayAsync(listener.Port, bare));
        Assert.False(served);
    }

    [Fact]
    public async Task A_certificate_of_another_host_is_refused_by_who_calls()
    {
        await using var listener = PeerListener.Start(Host, 0, Security("cluster", "gpu-2.example.org"), EchoAsync, _ => { });
        await Assert.ThrowsAnyAsync<IOException>(() => SayAsync(listener.Port, Security("cluster")));
    }

    [Fact]
    public async Task Clear_text_stays_on_the_computer()
    {
        await using var listener = PeerListener.Start(Host, 0, null, EchoAsync, _ => { });
        Assert.Equal("hello", await SayAsync(listener.Port, null));
        Assert.Contains(
            "clear text never leaves",
            Assert.Throws<CoinException>(() => PeerListener.Start("0.0.0.0", 0, null, EchoAsync, _ => { })).Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "cannot listen",
            Assert.Throws<CoinException>(() => PeerListener.Start(Host, listener.Port, null, EchoAsync, _ => { })).Message,
            StringComparison.Ordinal
        );
    }

    private static async Task EchoAsync(Stream stream, CancellationToken stop)
    {
        var bytes = new byte[5];
        await stream.ReadExactlyAsync(bytes, stop);
        await stream.WriteAsync(bytes, stop);
    }

    private static async Task<string> SayAsync(int port, ChannelSecurity? security)
    {
        await using var stream = await PeerStreams.ConnectAsync(Host, port, security, TestContext.Current.CancellationToken);
        await stream.WriteAsync("hello"u8.ToArray(), TestContext.Current.CancellationToken);
        var bytes = new byte[5];
        await stream.ReadExactlyAsync(bytes, TestContext.Current.CancellationToken);
        return System.Text.Encoding.ASCII.GetString(bytes);
    }

    private ChannelSecurity Security(string authority, string host = Host, bool issue = true)
    {
        var place = folder.Of(authority);
        if (issue)
        {
            ClusterCertificates.Issue(place, [host], 1, replace: true, DateTimeOffset.UtcNow);
        }

        identities.Add(NodeIdentity.Open(NodeCertificate.In(place, host)));
        return identities[^1].Channel();
    }
}
