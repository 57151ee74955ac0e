using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Hosting;
using Akka.Configuration;
using Akka.Hosting;
using Akka.Remote.Hosting;
using CoIN.Actors.Scheduling;
using CoIN.Benchmark;

namespace CoIN.Actors.Hosting;

/// <summary>
/// Makes an actor system a node of a cluster, with one scheduler for all. Whoever is let in can steer the node, so the transport decides: certificates of one
/// authority on both sides, or clear text that does not leave the computer.
/// </summary>
internal static class ClusterNode
{
    /// <exception cref="CoinException">The certificate cannot be read or is not valid.</exception>
    public static void Configure(AkkaConfigurationBuilder akka, NodePlacement.Cluster cluster, IEnumerable<string> roles)
    {
        var protocol = "akka.tcp";
        akka.AddHocon(ClusterConfig, HoconAddMode.Prepend);
        if (cluster.Certificate is { } certificate)
        {
            protocol = "akka.ssl.tcp";
            var identity = NodeIdentity.Open(certificate);
            akka.AddSetup(identity.Transport());
            akka.AddHocon("akka.remote.dot-netty.tcp.enable-ssl = true", HoconAddMode.Prepend);
        }

        akka.WithRemoting(remote =>
            {
                remote.HostName = cluster.Hostname;
                remote.Port = cluster.Port;
            })
            .WithClustering(new ClusterOptions
            {
                Roles = [.. roles],
                SeedNodes = [.. cluster.SeedNodes.Select(seed => $"{protocol}://coin@{seed}")],
            })
            .WithSingleton<Scheduler>("scheduler", Props.Create(() => new Scheduler()));
        if (cluster.SeedNodes.Count == 0)
        {
            // A node that founds a cluster is its own seed; its port is known only now.
            akka.WithActors((system, _, _) => Cluster.Get(system).Join(Cluster.Get(system).SelfAddress));
        }
    }

    private static readonly Config ClusterConfig = ConfigurationFactory.ParseString("""
        akka {
          actor.provider = cluster
          cluster {
            # A cluster of one must be up at once; for many nodes these rates are still modest.
            gossip-interval = 200ms
            leader-actions-interval = 200ms
            periodic-tasks-initial-delay = 100ms
            seed-node-timeout = 3s
            # Busy hosts pause; a node is given up only after half a minute.
            failure-detector { acceptable-heartbeat-pause = 10s, threshold = 12 }
            downing-provider-class = "Akka.Cluster.SBR.SplitBrainResolverProvider, Akka.Cluster"
            split-brain-resolver { active-strategy = keep-oldest, stable-after = 10s, keep-oldest.down-if-alone = off }
            # It is said before the singleton had a chance to be found.
            singleton-proxy.log-singleton-identification-failure = off
            singleton.min-number-of-hand-over-retries = 10
          }
        }
        """);
}
