using System.Security.Cryptography.X509Certificates;
using Akka.Actor;
using Akka.Cluster;
using Akka.Hosting;
using CoIN.Actors.Hosting;
using CoIN.Actors.Journal;
using CoIN.Actors.Protocol;
using CoIN.Benchmark.Runs;
using CoIN.EndToEnd.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using static CoIN.Actors.Protocol.WorkProtocol;

namespace CoIN.EndToEnd.Tests;

/// <summary>A cluster whose nodes show certificates: who gets in, and who does not.</summary>
public sealed class CertifiedNodesTests(Laboratory lab) : IClassFixture<Laboratory>
{
    private const string Id = "certified";

    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task A_certificate_of_the_authority_opens_the_door_and_no_other()
    {
        var (own, stranger) = (Issue("cluster"), Issue("strangers"));
        var port = EndpointProcess.FreePort();
        using var coin = CoinProcess.StartWith(
            new Dictionary<string, string>(),
            null,
            lab.Run(
                Id,
                "order=[GQA]",
                "training.max-steps=100000",
                "training.checkpoint-every=0",
                "node.cluster=tls",
                "node.hostname=127.0.0.1",
                $"node.port={port}",
                $"cluster.certificates={Path.Combine(lab.Folder, "cluster")}"
            )
        );
        Assert.True(await coin.UntilAsync(() => coin.Output.Contains("training", StringComparison.Ordinal), Longest), coin.Output);
        Assert.DoesNotContain("clear text", coin.Output, StringComparison.Ordinal);

        using (var clear = new HostileSystem(port))
        {
            Assert.False(await clear.IsHeardAsync(Unknown(), patient: false));
        }

        using (var foreign = new HostileSystem(port, Load(stranger)))
        {
            Assert.False(await foreign.IsHeardAsync(Unknown(), patient: false));
            Assert.True(
                await coin.UntilAsync(
                    () => coin.Output.Contains("is not one of this cluster's authority", StringComparison.Ordinal),
                    Longest
                ),
                coin.Output
            );
        }

        using (var known = new HostileSystem(port, Load(own)))
        {
            Assert.True(await known.IsHeardAsync(Unknown(), patient: true));
        }

        using var second = Node(new NodePlacement.Cluster("127.0.0.1", 0, [$"127.0.0.1:{port}"], own));
        await second.StartAsync(TestContext.Current.CancellationToken);
        var cluster = Cluster.Get(second.Services.GetRequiredService<ActorSystem>());
        Assert.True(
            await coin.UntilAsync(() => cluster.State.Members.Count(member => member.Status == MemberStatus.Up) == 2, Longest),
            coin.Output
        );
        await second.StopAsync(TestContext.Current.CancellationToken);
        await coin.KillAsync();
    }

    /// <summary>Work for a judge that the run does not have.</summary>
    private static long turns = 1L << 60;

    private Assignment Unknown() =>
        new(
            new Turn(Id, Interlocked.Increment(ref turns)),
            lab.PathOf(Id),
            RunJournal.Read(lab.PathOf(Id))!.Options,
            new JudgeCell(1, 0, "unknown", "", "predictions/x", "")
        );

    private static IHost Node(NodePlacement.Cluster placement)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Services.AddAkka("coin", akka =>
            ClusterNode.Configure(
                akka.ConfigureLoggers(loggers => loggers.ClearLoggers()),
                placement,
                ["judge"],
                new CoIN.Actors.Hosting.ClusterSettings()
            )
        );
        return builder.Build();
    }

    /// <summary>An authority, and the files of a node at 127.0.0.1.</summary>
    private NodeCertificate Issue(string name)
    {
        var folder = Path.Combine(lab.Folder, name);
        ClusterCertificates.Issue(folder, ["127.0.0.1"], 1, replace: false, DateTimeOffset.UtcNow);
        return NodeCertificate.In(folder, "127.0.0.1");
    }

    private static X509Certificate2 Load(NodeCertificate certificate)
    {
        using var pem = X509Certificate2.CreateFromPemFile(certificate.Path);
        return X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null);
    }
}
