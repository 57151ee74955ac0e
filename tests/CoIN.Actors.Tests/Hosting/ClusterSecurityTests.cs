using System.Runtime.Serialization;
using System.Security.Cryptography.X509Certificates;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using Akka.Serialization;
using CoIN.Actors.Hosting;
using CoIN.Actors.Journal;
using CoIN.Actors.Protocol;
using CoIN.Actors.Tests.Support;
using CoIN.Benchmark;
using static CoIN.Actors.Protocol.WorkProtocol;

namespace CoIN.Actors.Tests.Hosting;

/// <summary>What a peer must show, and what it cannot do: a node with the program's own settings, and strangers on real sockets.</summary>
public sealed class ClusterSecurityTests : IDisposable
{
    private const string Here = "127.0.0.1";

    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(40);
    private static readonly TimeSpan LongEnough = TimeSpan.FromSeconds(6);

    private readonly TemporaryFolder folder = new();
    private readonly List<ActorSystem> systems = [];
    private readonly List<NodeIdentity> identities = [];

    public void Dispose()
    {
        Task.WhenAll(systems.Select(system => system.Terminate())).Wait(TimeSpan.FromSeconds(20));
        identities.ForEach(identity => identity.Dispose());
        folder.Dispose();
    }

    [Fact]
    public void Certificates_are_made_for_their_owner_alone_by_one_authority_that_is_kept()
    {
        var now = DateTimeOffset.UtcNow;
        var made = ClusterCertificates.Issue(folder.Of("c"), ["gpu1.example.org", "10.0.0.7"], 30, replace: false, now);
        Assert.Equal([folder.Of("c/gpu1.example.org"), folder.Of("c/10.0.0.7")], made);
        if (!OperatingSystem.IsWindows())
        {
            foreach (var file in new[] { "c/authority/ca.key", "c/gpu1.example.org/node.pem", "c/10.0.0.7/node.pem" })
            {
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(folder.Of(file)));
            }

            Assert.Equal(
                UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute,
                File.GetUnixFileMode(folder.Of("c/authority"))
            );
        }

        using var one = X509CertificateLoader.LoadCertificateFromFile(folder.Of("c/gpu1.example.org/node.pem"));
        Assert.True(one.MatchesHostname("gpu1.example.org"));
        Assert.False(one.MatchesHostname("gpu2.example.org"));
        Assert.InRange(one.NotAfter.ToUniversalTime(), now.UtcDateTime.AddDays(29), now.UtcDateTime.AddDays(31));
        Assert.False(File.Exists(folder.Of("c/gpu1.example.org/ca.key")));

        var fault = Assert.Throws<CoinException>(() =>
            ClusterCertificates.Issue(folder.Of("c"), ["gpu2", "10.0.0.7"], 30, replace: false, now)
        );
        Assert.Contains("10.0.0.7 has a certificate", fault.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder.Of("c/gpu2")));
        ClusterCertificates.Issue(folder.Of("c"), ["gpu2", "10.0.0.7"], 30, replace: true, now);
        foreach (var host in new[] { "gpu1.example.org", "gpu2", "10.0.0.7" })
        {
            NodeCertificate.In(folder.Of("c"), host).Check();
            NodeCertificate.In(folder.Of($"c/{host}"), host).Check();
        }
    }

    [Theory]
    [InlineData("../x")]
    [InlineData("a b")]
    [InlineData("authority")]
    [InlineData("a/b")]
    public void What_is_no_hosts_name_gets_no_certificate(string host) =>
        Assert.Contains(
            "no name or address",
            Assert.Throws<CoinException>(() => ClusterCertificates.Issue(folder.Of("c"), [host], 30, false, DateTimeOffset.UtcNow)).Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void A_key_that_others_may_read_is_refused()
    {
        var certificate = Certificate("c", Here);
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("Windows has other rights");
        }
        else
        {
            File.SetUnixFileMode(certificate.Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        }

        Assert.Contains($"chmod 600 {certificate.Path}", Assert.Throws<CoinException>(certificate.Check).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_own_certificate_that_is_over_is_told_before_anything_starts()
    {
        var certificate = Certificate("c", Here, DateTimeOffset.UtcNow.AddDays(-60), 30);
        Assert.Contains(
            "is not valid under the authority",
            Assert.Throws<CoinException>(certificate.Check).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_node_hears_who_has_a_certificate_of_its_authority_and_nobody_else()
    {
        var expired = Certificate("old", Here, DateTimeOffset.UtcNow.AddDays(-60), 30);
        var own = Certificate("c", Here, authority: "old");
        var (_, address) = Node(own);
        Assert.True(await IsHeardAsync(Stranger(Transport(own)), address, patient: true));
        Assert.False(
            await IsHeardAsync(Stranger(null), address.Replace("akka.ssl.tcp", "akka.tcp", StringComparison.Ordinal), patient: false)
        );
        Assert.False(await IsHeardAsync(Stranger(Careless(Certificate("other", Here))), address, patient: false));
        Assert.False(await IsHeardAsync(Stranger(Careless(expired)), address, patient: false));
    }

    [Fact]
    public async Task A_host_with_the_certificate_of_another_is_not_spoken_to()
    {
        // Both are of one authority: only the name is wrong.
        ClusterCertificates.Issue(folder.Of("c"), [Here, "elsewhere.example.org"], 30, false, DateTimeOffset.UtcNow);
        var (_, address) = Node(NodeCertificate.In(folder.Of("c/elsewhere.example.org"), ""));
        Assert.False(await IsHeardAsync(Stranger(Transport(NodeCertificate.In(folder.Of("c"), Here))), address, patient: false));
        var (_, right) = Node(NodeCertificate.In(folder.Of("c"), Here));
        Assert.True(await IsHeardAsync(Stranger(Transport(NodeCertificate.In(folder.Of("c"), Here))), right, patient: true));
    }

    /// <summary>
    /// Also whoever has a certificate makes no objects of types, no actors, and no message that the program does not know.
    /// </summary>
    [Fact]
    public async Task A_payload_that_names_a_type_an_unknown_serializer_and_a_deployment_come_to_nothing()
    {
        var own = Certificate("c", Here);
        var (node, address) = Node(own);
        Assert.True(await IsHeardAsync(Stranger(Transport(own)), address, patient: true));
        const string Binding = "serialization-bindings { \"CoIN.Actors.Protocol.WorkProtocol+Withdraw, CoIN.Actors\" = ";
        foreach (
            var settings in new[]
            {
                $"akka.actor {{ {Binding} json }} }}",
                $"akka.actor {{ serializers.odd = \"{typeof(OddSerializer).AssemblyQualifiedName}\", {Binding} odd }} }}",
            }
        )
        {
            Assert.False(await IsHeardAsync(Stranger(Transport(own), settings), address, patient: false));
        }

        var hostile = Stranger(Transport(own));
        var implant = hostile.ActorOf(
            Props.Create(() => new Echo()).WithDeploy(Deploy.None.WithScope(new RemoteScope(Address.Parse(address)))),
            "implant"
        );
        Assert.Null((await implant.Ask<ActorIdentity>(new Identify(1), Longest, TestContext.Current.CancellationToken)).Subject);
        Assert.True(await IsHeardAsync(Stranger(Transport(own)), address, patient: true));
        Assert.False(node.WhenTerminated.IsCompleted);
    }

    private NodeCertificate Certificate(string name, string host, DateTimeOffset? now = null, int days = 30, string? authority = null)
    {
        if (authority is not null)
        {
            Directory.CreateDirectory(folder.Of(name));
            foreach (var file in Directory.GetFiles(folder.Of($"{authority}/authority")))
            {
                Directory.CreateDirectory(folder.Of($"{name}/authority"));
                File.Copy(file, Path.Combine(folder.Of($"{name}/authority"), Path.GetFileName(file)));
            }
        }

        ClusterCertificates.Issue(folder.Of(name), [host], days, false, now ?? DateTimeOffset.UtcNow);
        return NodeCertificate.In(folder.Of(name), host);
    }

    private Setup Transport(NodeCertificate certificate)
    {
        identities.Add(NodeIdentity.Open(certificate));
        return identities[^1].Transport();
    }

    /// <summary>Whoever breaks in is not choosy himself.</summary>
    private static Setup Careless(NodeCertificate certificate)
    {
        using var pem = X509Certificate2.CreateFromPemFile(certificate.Path);
        return new Akka.Remote.Transport.DotNetty.DotNettySslSetup(
            X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null),
            false,
            true,
            (_, _, _, _, _) => true
        );
    }

    private (ActorSystem System, string Address) Node(NodeCertificate certificate)
    {
        Setup transport;
        try
        {
            transport = Transport(certificate);
        }
        catch (CoinException)
        {
            transport = Careless(certificate);
        }

        var system = System_(transport, JournalConfig.For(folder.Of("journal.db")));
        system.ActorOf(Props.Create(() => new Echo()), "echo");
        return (system, ((ExtendedActorSystem)system).Provider.DefaultAddress.ToString());
    }

    private ActorSystem Stranger(Setup? transport, string settings = "") =>
        System_(
            transport,
            ConfigurationFactory
                .ParseString(settings)
                .WithFallback(
                    """
                    akka.actor {
                      serializers.coin = "CoIN.Actors.Protocol.WireSerializer, CoIN.Actors"
                      serialization-bindings { "CoIN.Actors.Protocol.WorkProtocol+IMessage, CoIN.Actors" = coin }
                    }
                    """
                )
        );

    private ActorSystem System_(Setup? transport, Config settings)
    {
        var config = settings.WithFallback(
            $$"""
            akka {
              loglevel = OFF
              stdout-loglevel = OFF
              log-dead-letters = off
              actor.provider = remote
              remote.dot-netty.tcp { hostname = "{{Here}}", port = 0, enable-ssl = {{(transport is null ? "off" : "on")}} }
            }
            """
        );
        var setup = ActorSystemSetup.Create(BootstrapSetup.Create().WithConfig(config));
        systems.Add(ActorSystem.Create("coin", transport is null ? setup : setup.And(transport)));
        return systems[^1];
    }

    private static async Task<bool> IsHeardAsync(ActorSystem from, string address, bool patient)
    {
        try
        {
            var answer = await from.ActorSelection($"{address}/user/echo")
                .Ask<Withdrawn>(new Withdraw("r"), patient ? Longest : LongEnough);
            return answer.RunId == "r";
        }
        catch (AskTimeoutException)
        {
            return false;
        }
    }

    private sealed class Echo : ReceiveActor
    {
        public Echo() => Receive<Withdraw>(message => Sender.Tell(new Withdrawn(message.RunId)));
    }

    public sealed class OddSerializer(ExtendedActorSystem system) : Serializer(system)
    {
        public override int Identifier => 7777;

        public override bool IncludeManifest => true;

        public override byte[] ToBinary(object obj) => [1, 2, 3];

        public override object FromBinary(byte[] bytes, Type type) => throw new SerializationException();
    }
}
