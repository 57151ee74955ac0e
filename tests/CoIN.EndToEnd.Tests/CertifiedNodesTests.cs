using System.Security.Cryptography;
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
    private const string Password = "correct horse";

    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task A_certificate_of_the_authority_opens_the_door_and_no_other()
    {
        var (authority, own, friend) = Issue("cluster");
        var (_, _, stranger) = Issue("strangers");
        var port = EndpointProcess.FreePort();
        using var coin = CoinProcess.StartWith(
            new Dictionary<string, string> { ["COIN_E2E_CERTIFICATE"] = Password }, null,
            lab.Run(
                Id, "order=[GQA]", "training.max-steps=100000", "training.checkpoint-every=0", "node.cluster=tls", "node.hostname=127.0.0.1", $"node.port={port}",
                $"node.certificate.path={own}", "node.certificate.password-env=COIN_E2E_CERTIFICATE", $"node.certificate.authority={authority}"));
        Assert.True(await coin.UntilAsync(() => coin.Output.Contains("training", StringComparison.Ordinal), Longest), coin.Output);
        Assert.DoesNotContain("clear text", coin.Output, StringComparison.Ordinal);

        using (var clear = new HostileSystem(port))
        {
            Assert.False(await clear.IsHeardAsync(Unknown(), patient: false));
        }

        using (var foreign = new HostileSystem(port, X509CertificateLoader.LoadPkcs12FromFile(stranger, Password)))
        {
            Assert.False(await foreign.IsHeardAsync(Unknown(), patient: false));
            Assert.True(await coin.UntilAsync(() => coin.Output.Contains("is not one of this cluster's authority", StringComparison.Ordinal), Longest), coin.Output);
        }

        using (var known = new HostileSystem(port, X509CertificateLoader.LoadPkcs12FromFile(friend, Password)))
        {
            Assert.True(await known.IsHeardAsync(Unknown(), patient: true));
        }

        Environment.SetEnvironmentVariable("COIN_E2E_CERTIFICATE", Password);
        using var second = Node(new NodePlacement.Cluster("127.0.0.1", 0, [$"127.0.0.1:{port}"], new NodeCertificate(friend, "COIN_E2E_CERTIFICATE", authority)));
        await second.StartAsync(TestContext.Current.CancellationToken);
        var cluster = Cluster.Get(second.Services.GetRequiredService<ActorSystem>());
        Assert.True(await coin.UntilAsync(() => cluster.State.Members.Count(member => member.Status == MemberStatus.Up) == 2, Longest), coin.Output);
        await second.StopAsync(TestContext.Current.CancellationToken);
        await coin.KillAsync();
    }

    /// <summary>Work for a judge that the run does not have.</summary>
    private static long turns = 1L << 60;

    private Assignment Unknown() => new(new Turn(Id, Interlocked.Increment(ref turns)), lab.PathOf(Id), RunJournal.Read(lab.PathOf(Id))!.Options, new JudgeCell(1, 0, "unknown", "", "predictions/x", ""));

    private static IHost Node(NodePlacement.Cluster placement)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Services.AddAkka("coin", akka => ClusterNode.Configure(akka, placement, ["judge"]));
        return builder.Build();
    }

    /// <summary>Makes an authority and two nodes' certificates.</summary>
    private (string Authority, string First, string Second) Issue(string name)
    {
        var now = DateTimeOffset.UtcNow;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN=authority of {name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var root = request.CreateSelfSigned(now.AddDays(-2), now.AddDays(2));
        var authority = Path.Combine(lab.Folder, $"{name}.pem");
        File.WriteAllText(authority, root.ExportCertificatePem());
        var files = new[] { 1, 2 }.Select(number =>
        {
            using var own = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            using var issued = new CertificateRequest($"CN=node {number} of {name}", own, HashAlgorithmName.SHA256).Create(root, now.AddDays(-1), now.AddDays(1), [(byte)number]);
            using var whole = issued.CopyWithPrivateKey(own);
            var path = Path.Combine(lab.Folder, $"{name}-{number}.pfx");
            File.WriteAllBytes(path, whole.Export(X509ContentType.Pkcs12, Password));
            return path;
        }).ToList();
        return (authority, files[0], files[1]);
    }
}
