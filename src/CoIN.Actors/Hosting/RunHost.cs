using System.Diagnostics;
using Akka.Actor;
using Akka.Configuration;
using Akka.Hosting;
using CoIN.Actors.Journal;
using CoIN.Actors.Protocol;
using CoIN.Actors.Scheduling;
using CoIN.Actors.Workers;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Learning;
using CoIN.Benchmark.Reports;
using CoIN.Benchmark.Runs;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace CoIN.Actors.Hosting;

/// <summary>A run to drive.</summary>
/// <param name="RunFolder">Absolute path of its folder.</param>
/// <param name="Options">The experiment; null to take it from the journal.</param>
/// <param name="Node">What this process lends.</param>
/// <param name="Judge">A judge to appoint for a run that lacks nothing but judgements; null otherwise.</param>
public sealed record RunRequest(string RunId, string RunFolder, ExperimentOptions? Options, NodeSettings Node, JudgeOptions? Judge = null)
{
    /// <summary>Whether what was lost of the run is done again.</summary>
    public bool Redo { get; init; }

    /// <summary>The experiment of a cluster that a new run belongs to; null otherwise.</summary>
    internal ExperimentRecord? Experiment { get; init; }

    /// <summary>Whether other processes may be working in its folder, as in a cluster: what they have not finished is theirs.</summary>
    internal bool IsShared { get; init; }

    /// <summary>
    /// Whether its files came from other nodes, of which some may be gone for good: what costs little and did not come is done again.
    /// </summary>
    internal bool IsFetched { get; init; }
}

/// <summary>Drives runs: lock, journal, node, actors, and an orderly end.</summary>
public static class RunHost
{
    private static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(30);

    /// <summary>Drives a run until it is completed, failed or stopped.</summary>
    /// <param name="stop">Asks to stop at the next resumable point.</param>
    /// <returns>The last snapshot.</returns>
    /// <exception cref="CoinException">The run cannot be taken up, or its journal cannot be written.</exception>
    public static async Task<RunSnapshot> RunAsync(
        RunRequest request,
        ILearnerFactory learners,
        IJudgeFactory judges,
        IBenchmarkWork work,
        IRunObserver observer,
        ILoggerFactory logs,
        CancellationToken stop
    )
    {
        using var held = RunLock.Take(request.RunFolder, request.Node.Cluster.Database);
        LiveProgress.Remove(request.RunFolder);
        var taken = await TakeUpAsync(request, judges, work, work.Describe, logs).ConfigureAwait(false);
        if (taken.Done is { } done)
        {
            return done;
        }

        using var caches = new JudgementCaches();
        var driven = new DrivenRun(taken);
        using var seen = new LiveFiles(new Dictionary<string, string> { [driven.Request.RunId] = driven.Request.RunFolder }, observer);
        using var host = Build([driven], request.Node, reuse: false, [], learners, judges, caches, work, seen, logs);
        await host.StartAsync(CancellationToken.None).ConfigureAwait(false);
        try
        {
            await using var registration = stop.Register(() => _ = StopAsync(driven));
            await using var copy = JournalFollower.Start(request.RunFolder, logs.CreateLogger("CoIN.Actors.Hosting"));
            _ = held.Lost.ContinueWith(_ => Taken(driven), TaskScheduler.Default);
            return await driven.Ended.Task.ConfigureAwait(false);
        }
        finally
        {
            await host.StopAsync(CancellationToken.None).ConfigureAwait(false);
        }
    }

    /// <summary>Asks a run to stop until it does: a supervisor whose database is away hears nothing.</summary>
    internal static async Task StopAsync(DrivenRun run)
    {
        var clock = Stopwatch.StartNew();
        while (!run.Ended.Task.IsCompleted)
        {
            run.Supervisor!.Tell(RunSupervisor.Stop.Instance);
            await Task.WhenAny(run.Ended.Task, Task.Delay(TimeSpan.FromSeconds(1))).ConfigureAwait(false);
            if (clock.Elapsed > ShutdownTimeout && JournalPlace.Of(run.Request.RunFolder)?.Open is { } database && !database.IsThere())
            {
                run.Ended.TrySetException(
                    new CoinException(
                        $"The run was asked to stop while its database, {database.Name}, was away. What came after the last event in its journal is lost; resume the run when the database is back."
                    )
                );
            }
        }
    }

    /// <summary>While the database was away from this process, another one came to it and took the run.</summary>
    internal static void Taken(DrivenRun run) =>
        run.Ended.TrySetException(
            new CoinException(
                $"While its database was away from this process, another process took up the run {run.Request.RunId}. It goes on there; look on with 'status'."
            )
            {
                IsFinal = true,
            }
        );

    /// <summary>
    /// Reads a run's journal, mends what can be, and checks what the rest of the run needs. Its lock is held by the caller.
    /// </summary>
    /// <param name="describe">Describes the data of an experiment.</param>
    /// <exception cref="CoinException">The run cannot be taken up.</exception>
    internal static async Task<TakenUp> TakeUpAsync(
        RunRequest request,
        IJudgeFactory judges,
        IBenchmarkWork work,
        Func<ExperimentOptions, DataDescription> describe,
        ILoggerFactory logs
    )
    {
        var state = RunJournal.Read(request.RunFolder);
        if (state is not null)
        {
            // A folder that was copied or renamed holds the run that it held: its journal goes on under its name.
            request = request with { RunId = state.Started!.RunId };
            if (!request.IsShared)
            {
                // Workers of a cluster may have done since what its journal will be told.
                RunTraces.RequireNoLater(request.RunFolder, state);
            }

            state = await RunChanges
                .MendAsync(request.RunFolder, state, request.Redo, request.IsFetched, logs.CreateLogger("CoIN.Actors.Hosting"))
                .ConfigureAwait(false);
        }

        if (request.Judge is { } judge)
        {
            // Before the journal knows it: a judge that cannot be opened would stand in the run's way.
            judges.Check(judge);
            state = await RunChanges.AppointAsync(request.RunFolder, state, judge, work).ConfigureAwait(false);
        }

        if (state?.Status == RunStatus.Completed && Plan.Pending(state).Count == 0)
        {
            RunFiles.Verify(request.RunFolder, state);
            work.WriteReports(request.RunFolder, state);
            return new TakenUp(request, state, null, state.ToSnapshot());
        }

        foreach (var asked in state?.Judges.Values ?? (request.Options?.Judge is { } configured ? [configured] : []))
        {
            judges.Check(asked);
        }

        return new TakenUp(request, state, Prepare(request, state, describe, work.Paths, logs.CreateLogger("CoIN.Actors.Hosting")), null);
    }

    /// <summary>Checks data and files against the journal, and removes what unfinished writes left.</summary>
    /// <returns>The first event, should the journal be empty.</returns>
    private static RunStarted Prepare(
        RunRequest request,
        RunState? state,
        Func<ExperimentOptions, DataDescription> describe,
        LocalPaths paths,
        ILogger log
    )
    {
        var options = request.Options
            ?? state?.Options
            ?? throw new CoinException($"The run in {request.RunFolder} never began: its journal is empty. Start it with 'run'.");
        if (
            state is not null
            && request.Options is not null
            && !Same(
                state.Options,
                request.Options with
                {
                    Data = request.Options.Data with { SkippedImages = state.Options.Data.SkippedImages },
                }
            )
        )
        {
            throw new CoinException(
                $"The run {request.RunId} was begun with other settings. Resume it without a configuration, or choose another --run-id."
            )
            {
                IsFinal = true,
            };
        }

        if (
            !request.IsShared
            && request.Node.Placement is NodePlacement.Alone
            && options.Training is { OnLostTrainer: LostTrainer.Wait } training
            && Workforce.Trainers(request.Node, Workforce.Training(request.Node, [options])) is > 0 and var trainers
            && trainers < training.WorldSize
        )
        {
            throw new CoinException(
                $"training.world-size is {training.WorldSize}, this process has {trainers} trainer{(trainers == 1 ? "" : "s")}, and training.on-lost-trainer = \"wait\" would wait for ever. "
                    + "Name more devices in node.devices, raise node.trainers-per-device, or set training.on-lost-trainer to \"continue\": then those that are there do the shares of all, to the same bits."
            );
        }

        foreach (var path in request.IsShared ? [] : Durable.RemoveUnfinished(request.RunFolder))
        {
            log.LogInformation("Removed the unfinished {Path}", path);
        }

        if (state is not null && Plan.Pending(state).All(item => item is JudgeCell))
        {
            // Judging needs neither the model nor the images: they may be on another host.
            RunFiles.VerifyJudged(request.RunFolder, state);
            JournalSpot.Of(request.RunFolder, request.RunId).Prepare();
            return state.Started!;
        }

        // A run whose options came from its journal has its images skipped already; what was begun is not decided again.
        var data = describe(state?.Options ?? options);
        if (state is not null)
        {
            foreach (var (path, sha256) in state.Started!.DataSha256)
            {
                if (data.Sha256.GetValueOrDefault(path) != sha256)
                {
                    throw new CoinException($"{path} has changed since the run began. Put the former file back, or start a new run.");
                }
            }

            // An image at which the run failed was of no use before: whoever mends it does what the fault asked for. Who failed may have
            // had the images in another folder.
            var root = paths.Here(options.Data.Images);
            bool Mended(string image)
            {
                var named = $"/{Path.GetRelativePath(root, image)}";
                var mended = state.Faults.Any(fault => fault.Contains(named, StringComparison.Ordinal));
                if (mended)
                {
                    log.LogWarning("{Image} has changed since the run began; the run had failed at it", image);
                }

                return mended;
            }

            if (
                state.Started.ImagesSha256 is { } images
                && data.Images?.Changes(Path.Combine(request.RunFolder, RunPaths.Images), images, Mended) is { } changes
            )
            {
                throw new CoinException(
                    $"{changes} Put the former images back (with their times, as cp -p and rsync -t do), or start a new run."
                );
            }

            RunFiles.Verify(request.RunFolder, state);
            RunFiles.VerifyGivenAdapter(state, paths);
            if (!request.IsShared)
            {
                RunFiles.DeleteSpent(request.RunFolder, state, warning => log.LogWarning("{Warning}", warning));
            }
        }

        JournalSpot.Of(request.RunFolder, request.RunId).Prepare();
        if (state is null)
        {
            data.Images?.Write(Path.Combine(request.RunFolder, RunPaths.Images));
        }

        foreach (var skipped in data.Skipped.GroupBy(sample => (sample.Task, sample.Use)))
        {
            log.LogWarning(
                "{Count} {Use} samples of {Task} are left out, as their images cannot be used: {Samples}",
                skipped.Count(),
                skipped.Key.Use,
                skipped.Key.Task,
                string.Join(", ", skipped.Take(10).Select(sample => $"{sample.Sample} ({sample.Image})"))
                    + (skipped.Count() > 10 ? ", …" : "")
            );
        }

        return new RunStarted(
            request.RunId,
            options with
            {
                Data = options.Data with { SkippedImages = data.SkippedImages },
            },
            data.Sha256,
            data.TrainingSamples,
            data.TestSamples
        )
        {
            ValidationSamples = data.ValidationSamples,
            Skipped = data.Skipped.Count > 0 ? data.Skipped : null,
            ImagesSha256 = data.Images?.Sha256(),
            Experiment = state?.Started?.Experiment ?? request.Experiment,
            GivenAdapterSha256 =
                options.Lora.From is { } given && paths.Here(given) is var adapter && Directory.Exists(adapter)
                    ? AdapterFiles.Sha256(adapter)
                    : null,
        };
    }

    internal static bool Same(ExperimentOptions left, ExperimentOptions right) =>
        Newtonsoft.Json.JsonConvert.SerializeObject(left) == Newtonsoft.Json.JsonConvert.SerializeObject(right);

    /// <summary>
    /// One actor system with one scheduler and one pool of workers, and a supervisor with a journal of its own for each run.
    /// </summary>
    /// <param name="reuse">Whether the runs take results over from each other.</param>
    /// <param name="known">Runs that have everything already: the others may take over what they have.</param>
    internal static IHost Build(
        IReadOnlyList<DrivenRun> runs,
        NodeSettings node,
        bool reuse,
        IReadOnlyList<TakenUp> known,
        ILearnerFactory learners,
        IJudgeFactory judges,
        JudgementCaches caches,
        IBenchmarkWork work,
        IRunObserver observer,
        ILoggerFactory logs
    )
    {
        var evaluators = node.Devices.Count * node.EvaluatorsPerDevice;
        var builder = Builder(logs, ShutdownTimeout);
        builder.Services.AddAkka("coin", akka =>
        {
            var journals = runs.Select(run => JournalSpot.Of(run.Request.RunFolder, run.Request.RunId)).ToList();
            var (config, names) = runs.Count == 1 ? (JournalConfig.For(journals[0]), [""]) : JournalConfig.For(journals);
            akka.AddHocon(config, HoconAddMode.Prepend).AddHocon(NodeConfig, HoconAddMode.Prepend).ConfigureLoggers(ToFactory);
            Place(akka, node, logs);
            akka.WithActors(
                (system, registry, _) =>
                {
                    var scheduler = registry.Get<Scheduler>();
                    var admission =
                        node.Placement is NodePlacement.Alone
                            ? Admission.OnlyTo(runs.Select(run => run.Request.RunFolder))
                            : Admission.ToRunsIn(
                                Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(runs[0].Request.RunFolder))!,
                                work.Paths
                            );
                    var train = Workforce.Training(node, runs.Select(run => run.Start.Options));
                    var identity = node.Placement is NodePlacement.Cluster { Certificate: { } certificate }
                        ? NodeIdentity.Open(certificate)
                        : null;
                    var links = Workforce.Links(node, identity, logs);
                    CoordinatedShutdown
                        .Get(system)
                        .AddTask(CoordinatedShutdown.PhaseActorSystemTerminate, "close-links", async () =>
                        {
                            await links.DisposeAsync().ConfigureAwait(false);
                            identity?.Dispose();
                            return Akka.Done.Instance;
                        });
                    foreach (var (worker, name) in Workforce.Of(node, train, scheduler, learners, judges, caches, work, admission, links))
                    {
                        system.ActorOf(worker, name);
                    }

                    var shared = reuse ? system.ActorOf(Shared(runs, known), "shared-results") : null;
                    foreach (var (place, run) in runs.Index())
                    {
                        run.Supervisor = system.ActorOf(
                            RunSupervisor.Props(
                                new SupervisorSettings(
                                    run.Request.RunId,
                                    run.Request.RunFolder,
                                    run.Start,
                                    scheduler,
                                    work,
                                    observer,
                                    evaluators,
                                    run.Ended
                                )
                                {
                                    Journal = names[place],
                                    PersistenceId = journals[place].PersistenceId,
                                    Comes = journals[place].IsDatabase,
                                    Shared = shared,
                                    Program = ProductVersion.Current,
                                    Trainers = node.Placement is NodePlacement.Alone ? Workforce.Trainers(node, train) : null,
                                }
                            ),
                            "run-" + run.Request.RunId
                        );
                    }

                    registry.Register<RunSupervisor>(runs[0].Supervisor!);
                }
            );
        });
        return builder.Build();
    }

    /// <summary>A process that holds an actor system.</summary>
    internal static HostApplicationBuilder Builder(ILoggerFactory logs, TimeSpan shutdownTimeout)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = shutdownTimeout);
        builder.Services.AddSingleton(logs);

        // Signals are the caller's: by default the host would tear the actors down before the run has come to a resumable point.
        builder.Services.AddSingleton<IHostLifetime, NoSignals>();
        return builder;
    }

    /// <summary>Akka's log goes where all logs go.</summary>
    internal static void ToFactory(LoggerConfigBuilder loggers)
    {
        loggers.LogLevel = Akka.Event.LogLevel.DebugLevel;
        loggers.ClearLoggers();
        loggers.AddLoggerFactory();
    }

    private static Props Shared(IReadOnlyList<DrivenRun> runs, IReadOnlyList<TakenUp> known)
    {
        var program = ProductVersion.Current;
        var begun = runs.Where(run => run.State is not null).ToList();
        var made = begun
            .Select(run => (State: run.State!, Folder: run.Request.RunFolder))
            .Concat(known.Select(run => (State: run.State!, Folder: run.Request.RunFolder)))
            .SelectMany(run => SharingProtocol.Made.Of(run.State, run.Folder, program))
            .ToList();
        var underWay = begun
            .SelectMany(run => SharingProtocol.Made.Begun(run.State!, program).Select(key => (key, run.Request.RunId)))
            .ToList();
        return Props.Create(() => new SharedResults(made, underWay));
    }

    /// <summary>Gives the node its scheduler: its own, or the cluster's.</summary>
    private static void Place(AkkaConfigurationBuilder akka, NodeSettings node, ILoggerFactory logs)
    {
        if (node.Placement is not NodePlacement.Cluster cluster)
        {
            akka.WithActors(
                (system, registry, _) => registry.Register<Scheduler>(system.ActorOf(Props.Create(() => new Scheduler()), "scheduler"))
            );
            return;
        }

        if (cluster.Warning is { } warning)
        {
            logs.CreateLogger("CoIN.Actors.Hosting").LogWarning("{Warning}", warning);
        }

        ClusterNode.Configure(akka, cluster, node.Roles, node.Cluster with { Journal = null });
    }

    private sealed class NoSignals : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }

    internal static readonly Config NodeConfig = ConfigurationFactory.ParseString(
        """
        coin {
          # A worker blocks its thread in native calls: it gets one of its own.
          trainer-dispatcher { type = PinnedDispatcher }
          evaluator-dispatcher { type = PinnedDispatcher }
          judge-dispatcher { type = PinnedDispatcher }
        }
        akka {
          actor.provider = local
          # A restarted supervisor or worker would have forgotten what is under way: each says how it ended instead.
          actor.guardian-supervisor-strategy = "Akka.Actor.StoppingSupervisorStrategy"
          coordinated-shutdown { exit-clr = off, run-by-clr-shutdown-hook = off }
          stdout-logger-class = "CoIN.Actors.Hosting.QuietConsoleLogger, CoIN.Actors"
          # Ordinary at a node's end.
          log-dead-letters = off
          log-dead-letters-during-shutdown = off
        }
        """
    );
}
