using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Hosting;
using Akka.Cluster.Sharding;
using Akka.Cluster.Tools.Client;
using Akka.Configuration;
using Akka.Hosting;
using Akka.Pattern;
using CoIN.Actors.Artifacts;
using CoIN.Actors.Channels;
using CoIN.Actors.Hosting;
using CoIN.Actors.Journal;
using CoIN.Actors.Links;
using CoIN.Actors.Scheduling;
using CoIN.Actors.Workers;
using CoIN.Benchmark;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Learning;
using CoIN.Benchmark.Reports;
using CoIN.Benchmark.Runs;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace CoIN.Actors.Nodes;

/// <summary>A host's node to be driven.</summary>
/// <param name="Node">What it lends; its placement is a cluster's.</param>
/// <param name="Runs">Absolute path of the folder that holds one folder per run.</param>
public sealed record NodeRequest(NodeSettings Node, string Runs);

/// <summary>Drives a node of a cluster: workers for its devices, and the runs that come to it.</summary>
public static class NodeHost
{
    private const string Shards = "runs";

    private static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(100);
    private static readonly TimeSpan ShutdownTimeout = TimeSpan.FromMinutes(3);

    /// <summary>Drives the node until it is told to stop; then it hands back what is in work and leaves the cluster.</summary>
    /// <param name="up">Called once the node is in the cluster.</param>
    /// <exception cref="CoinException">The node is not configured as one, or the cluster has given it up.</exception>
    public static async Task RunAsync(
        NodeRequest request,
        ILearnerFactory learners,
        IJudgeFactory judges,
        IBenchmarkWork work,
        ILoggerFactory logs,
        Action up,
        CancellationToken stop
    )
    {
        var cluster =
            request.Node.Placement as NodePlacement.Cluster
            ?? throw new CoinException(
                "coin.node.cluster is off: a node of a cluster needs \"tls\" and a certificate, or, for trials on this computer alone, \"clear-text\"."
            );
        var database = request.Node.Cluster.Database
            ?? throw new CoinException(
                "coin.cluster.journal is null: the nodes of a cluster keep the journals of their runs in one PostgreSQL database. A journal in a file is for one process: "
                    + "locks of files do not hold between hosts. Write cluster.journal = \"Host=…;Database=…\"."
            );
        var log = logs.CreateLogger("CoIN.Actors.Nodes");
        if (cluster.Warning is { } warning)
        {
            log.LogWarning("{Warning}", warning);
        }

        using var devices = DeviceLease.Take(request.Node.Devices);
        Directory.CreateDirectory(request.Runs);
        database.Prepare();
        using var caches = new JudgementCaches();
        using var identity = cluster.Certificate is { } certificate ? NodeIdentity.Open(certificate) : null;
        await using var links = Workforce.Links(request.Node, identity, logs);
        await using var files = request.Node.Cluster.SharedFolder ? null : NodeFiles.Open(request, cluster, database, identity, logs);
        var misfit = new TaskCompletionSource<CoinException>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var host = Build(request, cluster, database, files, links, learners, judges, caches, work, logs, up, misfit);
        await host.StartAsync(CancellationToken.None).ConfigureAwait(false);
        var system = host.Services.GetRequiredService<ActorSystem>();
        log.LogInformation(
            "Node {Address} of this host has {Devices}; runs are in {Runs}",
            ClusterWatch.NameOf(Cluster.Get(system).SelfAddress),
            string.Join(", ", request.Node.Devices),
            request.Runs
        );
        foreach (var line in request.Node.Paths)
        {
            log.LogInformation("What runs have in one folder is in another here: {Paths}", line);
        }

        var broken = system.ActorOf(Props.Create(() => new BrokenDevices(misfit)), "broken-devices");
        system.EventStream.Subscribe(broken, typeof(BrokenDevice));
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = stop.Register(stopped.SetResult);
        await Task.WhenAny(stopped.Task, system.WhenTerminated, misfit.Task).ConfigureAwait(false);
        if (misfit.Task.IsCompletedSuccessfully)
        {
            // The others are to find out too, so that their logs tell it.
            await Task.WhenAny(system.WhenTerminated, Task.Delay(Introductions.Farewell, CancellationToken.None)).ConfigureAwait(false);
            await host.StopAsync(CancellationToken.None).ConfigureAwait(false);
            throw await misfit.Task.ConfigureAwait(false);
        }

        if (!stop.IsCancellationRequested)
        {
            throw new CoinException(
                "The other nodes have given this one up, after it was silent for too long, or it could not say that it is one of the greater part: "
                    + "its work goes on elsewhere. Start it again; it joins as a new node."
            );
        }

        log.LogInformation("The node stops: what is in work is handed back");
        await host.StopAsync(CancellationToken.None).ConfigureAwait(false);
        log.LogInformation("The node has left the cluster");
    }

    private static IHost Build(
        NodeRequest request,
        NodePlacement.Cluster cluster,
        JournalDatabase database,
        NodeFiles? files,
        LinkHost links,
        ILearnerFactory learners,
        IJudgeFactory judges,
        JudgementCaches caches,
        IBenchmarkWork work,
        ILoggerFactory logs,
        Action up,
        TaskCompletionSource<CoinException> misfit
    )
    {
        var journal = database.Identity();
        var node = request.Node;
        var supervises = node.Roles.Contains(ClusterNode.Supervising);
        var builder = RunHost.Builder(logs, ShutdownTimeout);
        builder.Services.AddAkka("coin", akka =>
        {
            akka.AddHocon(JournalConfig.For(JournalSpot.Of(new JournalPlace(database.Address, "node"))), HoconAddMode.Prepend)
                .AddHocon(RunHost.NodeConfig, HoconAddMode.Prepend)
                .AddHocon(Config, HoconAddMode.Prepend)
                .ConfigureLoggers(RunHost.ToFactory);
            ClusterNode.Configure(akka, cluster, node.Roles, node.Cluster);
            akka.WithActors(
                    (system, registry, _) =>
                        system.ActorOf(Props.Create(() => new ClusterWatch(cluster.SeedNodes, node.Cluster.Patience, up)), "cluster")
                )
                .WithActors(
                    (system, _, _) =>
                        system.ActorOf(
                            Props.Create(() =>
                                new Introductions(
                                    ProductVersion.Current,
                                    journal,
                                    request.Runs,
                                    node.Cluster.SharedFolder,
                                    TimeProvider.System,
                                    fault => misfit.TrySetResult(fault)
                                )
                            ),
                            Introductions.Name
                        )
                );
            if (supervises)
            {
                var others = new OtherRuns(request.Runs, files?.Runs);
                akka.WithSingleton<SharedResults>(
                    "shared-results",
                    Props.Create(() => new SharedResults(others.MadeBeside, SharedResults.Listening)),
                    new ClusterSingletonOptions { Role = ClusterNode.Supervising }
                );
                akka.WithShardRegion<RunEntity>(
                    Shards,
                    (system, registry, _) =>
                    {
                        var settings = new EntitySettings(
                            node,
                            request.Runs,
                            registry.Get<Scheduler>(),
                            work,
                            judges,
                            logs,
                            ClusterWatch.NameOf(Cluster.Get(system).SelfAddress),
                            () => Evaluators(system)
                        )
                        {
                            Own = files?.Runs,
                            Shared = registry.Get<SharedResults>(),
                        };
                        return id => Props.Create(() => new RunEntity(id, settings));
                    },
                    new RunExtractor(),
                    new ShardOptions
                    {
                        Role = ClusterNode.Supervising,
                        StateStoreMode = StateStoreMode.DData,
                        RememberEntities = true,
                        RememberEntitiesStore = RememberEntitiesStore.Eventsourced,
                    }
                );
            }
            else
            {
                akka.WithShardRegionProxy<RunEntity>(Shards, ClusterNode.Supervising, new RunExtractor());
            }

            akka.WithActors(
                (system, registry, _) =>
                {
                    Employ(
                        system,
                        [
                            .. Workforce.Of(
                                node,
                                node.Devices,
                                registry.Get<Scheduler>(),
                                learners,
                                judges,
                                caches,
                                work,
                                files is null ? Admission.ToRunsIn(request.Runs, work.Paths) : Admission.ToRunsOf(files.Runs, work.Paths),
                                links
                            ),
                        ]
                    );
                    if (files is not null)
                    {
                        system.ActorOf(Props.Create(() => new FilePeers(files.Peers, files.Port)), FilePeers.Name);
                    }

                    Func<IReadOnlyList<string>> ids = files is null ? () => ClusterRuns.In(request.Runs) : database.RunsOfCluster;
                    var runs = system.ActorOf(Props.Create(() => new ClusterRuns(registry.Get<RunEntity>(), ids)), ClusterRuns.Name);
                    ClusterClientReceptionist.Get(system).RegisterService(runs);
                }
            );
        });
        return builder.Build();
    }

    /// <summary>
    /// Has the workers begin; one that breaks begins anew after a while. Before the node leaves, they hand back what they do. Where the
    /// cluster has given it up they leave it: devices are to be free soon.
    /// </summary>
    private static void Employ(ActorSystem system, IReadOnlyList<(Props Worker, string Name)> workers)
    {
        var employed = workers
            .Select(worker =>
                system.ActorOf(
                    BackoffSupervisor.Props(
                        Backoff
                            .OnStop(worker.Worker, worker.Name, TimeSpan.FromSeconds(2), TimeSpan.FromMinutes(1), 0.2, -1)
                            .WithFinalStopMessage(message => message is Worker.Drain)
                    ),
                    worker.Name
                )
            )
            .ToList();
        var shutdown = CoordinatedShutdown.Get(system);
        shutdown.AddTask(CoordinatedShutdown.PhaseBeforeServiceUnbind, "hand-back", async () =>
        {
            var last = new Worker.Drain(shutdown.ShutdownReason is CoordinatedShutdown.ClusterDowningReason);
            await Task.WhenAll(employed.Select(worker => worker.GracefulStop(DrainTime, last))).ConfigureAwait(false);
            return Akka.Done.Instance;
        });
    }

    /// <summary>A node with a device that its process cannot use any more ends, so that whoever watches over it begins it anew.</summary>
    internal sealed class BrokenDevices : ReceiveActor
    {
        public BrokenDevices(TaskCompletionSource<CoinException> end) =>
            Receive<BrokenDevice>(broken =>
                end.TrySetResult(
                    new CoinException(
                        $"{broken.Device} cannot be used by this process any more ({broken.Reason}): what was in work is done elsewhere. "
                            + "Start the node again; where that happens again and again, have the device looked at."
                    )
                )
            );
    }

    private static int Evaluators(ActorSystem system) =>
        Math.Max(1, Cluster.Get(system).State.Members.Count(member => member.Status == MemberStatus.Up && member.HasRole("evaluator")));

    private static readonly Config Config = ConfigurationFactory.ParseString(
        """
        akka {
          coordinated-shutdown.phases {
            # A checkpoint of a large model takes its time.
            before-service-unbind.timeout = 110s
            cluster-sharding-shutdown-region.timeout = 20s
          }
          cluster {
            sharding {
              # Nothing of it is kept in files of the node.
              distributed-data.durable.keys = []
              entity-restart-backoff = 5s
              updating-state-timeout = 10s
            }
            client.receptionist.heartbeat-interval = 1s
          }
          # People hear of a failed read or write by the run whose it is.
          persistence.max-concurrent-recoveries = 50
        }
        """
    );
}
