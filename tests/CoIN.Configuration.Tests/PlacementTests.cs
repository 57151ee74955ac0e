using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using CoIN.Actors.Hosting;
using CoIN.Benchmark;
using CoIN.Cli.Tests.Support;

namespace CoIN.Configuration.Tests;

/// <summary>Who becomes a node of a cluster, and what has to be said for it.</summary>
public sealed class PlacementTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_process_that_was_not_told_otherwise_works_alone() => Assert.IsType<NodePlacement.Alone>(Load().Placement);

    [Theory]
    [InlineData("node.seed-nodes=127.0.0.1:4053", "coin.node.seed-nodes")]
    [InlineData("node.port=4053", "coin.node.port")]
    [InlineData("node.hostname=example.org", "coin.node.hostname")]
    public void What_only_a_cluster_needs_is_not_passed_over_without_one(string setting, string key)
    {
        var fault = Fault(setting);
        Assert.Contains(key, fault);
        Assert.Contains("while node.cluster is off", fault);
    }

    [Fact]
    public void Several_nodes_need_a_journal_that_all_reach()
    {
        const string Seeds = "node.seed-nodes=127.0.0.1:4053";
        Assert.Contains("a SQLite file in a run's folder has one writer", Fault("node.cluster=clear-text", Seeds));
        Assert.Equal("Host=h;Database=d", Load("node.cluster=clear-text", Seeds, "cluster.journal=Host=h;Database=d").Cluster.Journal);
    }

    [Fact]
    public void A_password_in_the_journals_address_is_refused_and_not_repeated()
    {
        var fault = Fault("cluster.journal=Host=h;Database=d;Password=hunter2");
        Assert.Contains("coin.cluster.journal", fault);
        Assert.Contains("PGPASSWORD", fault);
        Assert.DoesNotContain("hunter2", fault);
    }

    [Fact]
    public void A_process_alone_has_every_role() =>
        Assert.Contains("nobody else who could be trainer, judge", Fault("node.roles=supervisor,evaluator"));

    [Theory]
    [InlineData("node.hostname=example.org")]
    [InlineData("node.hostname=0.0.0.0")]
    [InlineData("node.hostname=10.0.0.1")]
    [InlineData("node.hostname=\"::\"")]
    [InlineData("node.hostname=localhost.example.org")]
    [InlineData("node.seed-nodes=example.org:4053")]
    public void Clear_text_does_not_leave_the_computer(string setting) =>
        Assert.Contains("set node.cluster to tls", Fault("node.cluster=clear-text", setting));

    [Theory]
    [InlineData("localhost")]
    [InlineData("127.0.0.1")]
    [InlineData("127.1.2.3")]
    [InlineData("::1")]
    public void Clear_text_on_loopback_is_allowed_and_warned_of(string host)
    {
        var cluster = Assert.IsType<NodePlacement.Cluster>(
            Load("node.cluster=clear-text", $"node.hostname=\"{host}\"", "node.port=4053").Placement
        );
        Assert.Equal((host, 4053, null), (cluster.Hostname, cluster.Port, cluster.Certificate));
        Assert.Contains("clear text", cluster.Warning);
    }

    [Fact]
    public void Every_other_cluster_needs_certificates()
    {
        var fault = Fault("node.cluster=tls", "node.hostname=example.org");
        Assert.Contains("coin.node.certificate.path is not set", fault);
        Assert.Contains("coin.node.certificate.authority is not set", fault);
    }

    [Fact]
    public void A_certificate_of_the_authority_is_accepted_with_its_key_in_pem()
    {
        Certificates();
        var cluster = Assert.IsType<NodePlacement.Cluster>(Load(Tls("node.pem", "ca.pem")).Placement);
        Assert.Equal(new NodeCertificate(folder.PathOf("node.pem"), null, folder.PathOf("ca.pem")), cluster.Certificate);
        Assert.Null(cluster.Warning);
    }

    [Theory]
    [InlineData("node.pem", "other-ca.pem", "is not valid under the authority")]
    [InlineData("ca.pem", "ca.pem", "cannot be read")]
    [InlineData("missing.pfx", "ca.pem", "missing.pfx cannot be read")]
    [InlineData("node.pem", "missing.pem", "missing.pem cannot be read")]
    [InlineData("expired.pem", "ca.pem", "is not valid under the authority")]
    public void A_certificate_that_other_nodes_would_refuse_is_named(string certificate, string authority, string expected)
    {
        Certificates();
        Assert.Contains(expected, Fault(Tls(certificate, authority)));
    }

    [Fact]
    public void A_password_in_the_place_of_a_variables_name_is_not_repeated()
    {
        Certificates();
        var fault = Fault([.. Tls("node.pem", "ca.pem"), "node.certificate.password-env=hunter-2!"]);
        Assert.Contains("is no name of an environment variable", fault);
        Assert.DoesNotContain("hunter", fault);
    }

    [Fact]
    public void A_folder_of_certificates_is_enough_and_is_the_hosts_own_or_that_of_all()
    {
        ClusterCertificates.Issue(folder.PathOf("c"), ["a.example.org", "b.example.org"], 30, replace: false, DateTimeOffset.UtcNow);
        foreach (var place in new[] { "c", "c/b.example.org" })
        {
            var cluster = Assert.IsType<NodePlacement.Cluster>(
                Load("node.cluster=tls", "node.hostname=b.example.org", $"cluster.certificates={place}").Placement
            );
            Assert.Equal(folder.PathOf("c/b.example.org/node.pem"), cluster.Certificate!.Path);
        }

        var fault = Fault("node.cluster=tls", "node.hostname=b.example.org", "cluster.certificates=c/a.example.org");
        Assert.Contains("is not for b.example.org, which coin.node.hostname calls this node", fault);
        Assert.Contains("cannot be read", Fault("node.cluster=tls", "node.hostname=b.example.org", "cluster.certificates=missing"));
    }

    private static string[] Tls(string certificate, string authority) =>
        [
            "node.cluster=tls",
            "node.hostname=example.org",
            $"node.certificate.path={certificate}",
            $"node.certificate.authority={authority}",
        ];

    private void Certificates()
    {
        var now = DateTimeOffset.UtcNow;
        foreach (var (authority, node) in new[] { ("ca.pem", "node.pem"), ("other-ca.pem", "other.pem") })
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var request = new CertificateRequest("CN=authority of " + node, key, HashAlgorithmName.SHA256);
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
            using var root = request.CreateSelfSigned(now.AddDays(-9), now.AddDays(9));
            folder.Write(authority, root.ExportCertificatePem());
            folder.Write(node, Issue(root, now.AddDays(-1), now.AddDays(1)));
            Mine(node);
            folder.Write(
                "expired.pem",
                authority == "ca.pem" ? Issue(root, now.AddDays(-2), now.AddDays(-1)) : File.ReadAllText(folder.PathOf("expired.pem"))
            );
        }
    }

    private void Mine(string file)
    {
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(folder.PathOf(file), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }
    }

    private static string Issue(X509Certificate2 authority, DateTimeOffset from, DateTimeOffset until)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=node", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("example.org");
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(authority, from, until, [1, 2, 3]);
        return certificate.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem();
    }

    private NodeSettings Load(params string[] settings) =>
        ConfigurationLoader.Load([], [.. folder.Complete(), .. settings], folder.Path).Node;

    private string Fault(params string[] settings) => Assert.Throws<CoinException>(() => Load(settings)).Message;
}
