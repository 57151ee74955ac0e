using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Hosting;
using Akka.Configuration;
using Akka.Hosting;
using Akka.Remote.Hosting;
using CoIN.Actors.Journal;
using CoIN.Actors.Scheduling;
using CoIN.Benchmark;

namespace CoIN.Actors.Hosting;

/// <summary>
/// Makes an actor system a node of a cluster, with one scheduler for all. Whoever is let in can steer the node, so the transport decides:
/// certificates of one authority on both sides, or clear text that does not leave the computer.
/// </summary>
internal static class ClusterNode
{
    /// <summary>The role of nodes that drive runs.</summary>
    public const string Supervising = "supervisor";

    /// <param name="shared">
    /// What the nodes have in common: with a database, the part of a divided cluster that takes a lease in it goes on.
    /// </param>
    /// <exception cref="CoinException">The certificate cannot be read or is not valid.</exception>
    public static void Configure(
        AkkaConfigurationBuilder akka,
        NodePlacement.Cluster cluster,
        IEnumerable<string> roles,
        ClusterSettings shared
    )
    {
        akka.AddHocon(Patient(shared), HoconAddMode.Prepend).AddHocon(ClusterConfig, HoconAddMode.Prepend);
        var protocol = Transport(akka, cluster);
        var own = roles.ToArray();
        akka.WithClustering(
            new ClusterOptions { Roles = own, SeedNodes = [.. cluster.SeedNodes.Select(seed => $"{protocol}://coin@{seed}")] }
        );
        if (own.Contains(Supervising))
        {
            akka.WithSingleton<Scheduler>(
                "scheduler",
                Props.Create(() => new Scheduler(Scheduler.Listening)),
                new ClusterSingletonOptions { Role = Supervising }
            );
        }
        else
        {
            akka.WithSingletonProxy<Scheduler>("scheduler", new ClusterSingletonOptions { Role = Supervising });
        }

        if (cluster.SeedNodes.Count == 0)
        {
            // A node that founds a cluster is its own seed; its port is known only now.
            akka.WithActors((system, _, _) => Cluster.Get(system).Join(Cluster.Get(system).SelfAddress));
        }
    }

    /// <summary>Opens the port, to certificates or on loopback.</summary>
    /// <returns>The protocol in addresses.</returns>
    /// <exception cref="CoinException">The certificate cannot be read or is not valid.</exception>
    public static string Transport(AkkaConfigurationBuilder akka, NodePlacement.Cluster cluster)
    {
        akka.AddHocon(Frames, HoconAddMode.Prepend);
        var protocol = "akka.tcp";
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
        });
        return protocol;
    }

    /// <summary>Busy hosts pause: how long the others bear with that, and who goes on when some are silent for longer.</summary>
    private static Config Patient(ClusterSettings shared)
    {
        var patient = ConfigurationFactory.ParseString(
            FormattableString.Invariant(
                $$"""
                akka.cluster {
                  failure-detector { acceptable-heartbeat-pause = {{shared.Patience}}s, threshold = 12 }
                  split-brain-resolver { active-strategy = keep-majority, stable-after = {{shared.Patience}}s }
                }
                """
            )
        );

        // A lease of a holder that died is over before the next decision is due. What was lost is begun elsewhere at once: that both sides
        // drive a run is what the lock in the database is for, and what a worker given up still writes bears its assignment's number.
        return shared.Database is not { } database
            ? patient
            : ConfigurationFactory
                .ParseString(
                    $$"""
                    akka.cluster.down-removal-margin = 1s
                    akka.cluster.split-brain-resolver {
                      active-strategy = lease-majority
                      lease-majority { lease-implementation = "{{DatabaseLease.Section}}", acquire-lease-delay-for-minority = 2s }
                    }
                    """
                )
                .WithFallback(patient)
                .WithFallback(DatabaseLease.Config(database, Math.Max(shared.Patience, 2)));
    }

    // A run's settings may name thousands of images to be left out.
    private static readonly Config Frames = ConfigurationFactory.ParseString(
        """
        akka.remote {
          dot-netty.tcp { maximum-frame-size = 4000000b, send-buffer-size = 4000000b, receive-buffer-size = 4000000b }
          # One clear line says that a node is unreachable; these would say it again and again.
          log-remote-lifecycle-events = off
        }
        """
    );

    private static readonly Config ClusterConfig = ConfigurationFactory.ParseString(
        """
        akka {
          actor.provider = cluster
          cluster {
            # A cluster of one must be up at once; for many nodes these rates are still modest.
            gossip-interval = 200ms
            leader-actions-interval = 200ms
            periodic-tasks-initial-delay = 100ms
            seed-node-timeout = 3s
            downing-provider-class = "Akka.Cluster.SBR.SplitBrainResolverProvider, Akka.Cluster"
            # It is said before the singleton had a chance to be found.
            singleton-proxy.log-singleton-identification-failure = off
            singleton.min-number-of-hand-over-retries = 10
          }
        }
        """
    );
}
