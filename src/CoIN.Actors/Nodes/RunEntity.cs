using Akka.Actor;
using Akka.Cluster.Sharding;
using Akka.Event;
using CoIN.Actors.Artifacts;
using CoIN.Actors.Hosting;
using CoIN.Actors.Journal;
using CoIN.Actors.Protocol;
using CoIN.Actors.Scheduling;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Reports;
using CoIN.Benchmark.Reports.Comparison;
using CoIN.Benchmark.Runs;
using Microsoft.Extensions.Logging;
using static CoIN.Actors.Protocol.RunProtocol;

namespace CoIN.Actors.Nodes;

/// <summary>What a node gives to the runs that come to it.</summary>
/// <param name="Node">The node's settings; of a cluster with a database.</param>
/// <param name="Runs">Absolute path of the folder that holds one folder per run.</param>
/// <param name="Scheduler">The cluster's.</param>
/// <param name="Name">The node's, for people.</param>
/// <param name="Evaluators">How many evaluators the cluster has now, by which a run's end is estimated.</param>
internal sealed record EntitySettings(
    NodeSettings Node,
    string Runs,
    IActorRef Scheduler,
    IBenchmarkWork Work,
    IJudgeFactory Judges,
    ILoggerFactory Logs,
    string Name,
    Func<int> Evaluators
)
{
    /// <summary>This node's own folder of runs, in a cluster whose nodes have none in common; null otherwise.</summary>
    public OwnRuns? Own { get; init; }

    /// <summary>What runs have in common: the cluster's <see cref="SharedResults"/>; null where nothing is shared.</summary>
    public IActorRef? Shared { get; init; }

    /// <summary>The cluster's runs.</summary>
    public OtherRuns Others => new(Runs, Own);
}

/// <summary>
/// A run of a cluster: one actor for the whole cluster, which is begun anew on another node when its own is lost, and goes on with a run
/// that is under way. It locks and reads the journal, checks what the run needs, has it driven by a supervisor, and answers the people who
/// ask. One that has nothing to do goes to rest.
/// </summary>
internal sealed class RunEntity : ReceiveActor, IWithUnboundedStash, IWithTimers
{
    private const int Tries = 15;
    private static readonly TimeSpan BetweenTries = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan RestAfter = TimeSpan.FromMinutes(1);

    // Who looks at old runs has nothing written.
    private static readonly TimeSpan CompareWithin = TimeSpan.FromMinutes(10);

    // Nodes that were started again together come one after another.
    private static readonly TimeSpan FetchPatience = TimeSpan.FromSeconds(20);

    private readonly CancellationTokenSource left = new();

    private readonly EntitySettings settings;
    private readonly string runId;
    private readonly string folder;
    private readonly ILoggingAdapter log;
    private readonly LatestSnapshot latest = new();
    private readonly List<IActorRef> asked = [];
    private ExperimentOptions? options;
    private ExperimentRecord? experiment;
    private string? comparison;
    private bool isComparing;
    private Known? toCompare;
    private bool underWay;
    private string? damage;
    private IActorRef supervisor = ActorRefs.Nobody;
    private Prepared? driving;
    private int tries;

    public RunEntity(string runId, EntitySettings settings)
    {
        (this.runId, this.settings, folder) = (runId, settings, Path.Combine(settings.Runs, runId));
        log = Context.GetLogger().WithContext("RunId", runId);
        Reading();
    }

    public IStash Stash { get; set; } = null!;

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart() => Read(resume: null);

    /// <summary>Its supervisor has ended before: from now on another node may drive the run.</summary>
    protected override void PostStop()
    {
        left.Cancel();
        if (driving is { } last)
        {
            _ = Task.Run(last.ReleaseAsync);
        }
    }

    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Stop);

    /// <param name="resume">A command to go on with a run that ended; null where only one that is under way goes on.</param>
    private void Read(Resume? resume) =>
        Task.Run(Journal).PipeTo(Self, Self, state => new Known(state, resume, Ending.Before), Unreadable.Of);

    private RunState? Journal()
    {
        if (settings.Own is not { } own)
        {
            return Directory.Exists(folder) ? RunJournal.Read(folder) : null;
        }

        if (own.Stranger(runId) is { } stranger)
        {
            // Whoever asks for the run is told.
            log.Warning("{Stranger}", stranger);
            return null;
        }

        return own.Read(runId);
    }

    private void Reading()
    {
        Receive<Known>(known =>
        {
            damage = null;
            (options, underWay) = (known.State?.Started?.Options, known.State?.IsUnderWay ?? false);
            experiment = known.State?.Started?.Experiment;
            latest.Observe((known.State ?? RunState.Empty).ToSnapshot());
            if (underWay || (options is not null && known.Resume is not null))
            {
                tries = 0;
                Prepare(null, known.Resume?.Redo ?? false);
            }
            else
            {
                Compare(known);
                Rest();
            }
        });
        Receive<Unreadable>(
            unreadable => unreadable.IsFinal,
            unreadable =>
            {
                // Whoever asks is told; a command to resume reads it once more.
                log.Error("The run's journal cannot be read: {Message}", unreadable.Message);
                asked.ForEach(one => one.Tell(new RunRefused(runId, unreadable.Message)));
                asked.Clear();
                latest.Observe(
                    RunState.Empty.ToSnapshot() with
                    {
                        RunId = runId,
                        Status = RunStatus.Interrupted,
                        Message = unreadable.Message,
                    }
                );
                damage = unreadable.Message;
                Rest();
            }
        );
        Receive<Unreadable>(unreadable =>
        {
            // It is begun again after a while.
            log.Warning("The run's journal cannot be read and is tried again: {Message}", unreadable.Message);
            Context.Stop(Self);
        });
        ReceiveAny(_ => Stash.Stash());
    }

    private void Rest()
    {
        Timers.StartSingleTimer("rest", Resting.Instance, RestAfter);
        Become(Idle);
        Stash.UnstashAll();
    }

    /// <summary>
    /// Has the comparison of the experiment's runs written where this one is the last that ended: whoever looks, and also where a node was
    /// lost between the run's end and that.
    /// </summary>
    private void Compare(Known known)
    {
        if (isComparing)
        {
            toCompare = known;
            return;
        }

        if (experiment is not { } compared || known.State is not { LastAt: { } ended } || !InnerPath.IsRunId(compared.Id))
        {
            return;
        }

        var folder = settings.Others.FolderOf(compared);
        var written = File.GetLastWriteTimeUtc(Path.Combine(folder, ComparisonText.FileName(ComparisonFormat.Json)));
        if (known.How != Ending.Now && written > ended.UtcDateTime)
        {
            comparison = folder;
            return;
        }

        if (known.How == Ending.Before && DateTimeOffset.UtcNow - ended > CompareWithin)
        {
            return;
        }

        isComparing = true;
        Task.Run(() => settings.Others.CompareAsync(compared, settings.Work, settings.Logs.CreateLogger("CoIN.Actors.Nodes"), left.Token))
            .PipeTo(Self, Self, path => new Compared(path, null), fault => new Compared(null, fault.GetBaseException().Message));
    }

    private void Comparing() =>
        Receive<Compared>(compared =>
        {
            (isComparing, comparison) = (false, compared.Folder);
            if (compared.Fault is { } fault)
            {
                log.Error("The comparison of the runs of {Experiment} could not be written: {Message}", experiment!.Id, fault);
            }
            else if (compared.Folder is { } folder)
            {
                log.Info("The runs of {Experiment} have ended; they stand side by side in {Folder}", experiment!.Id, folder);
            }

            if (toCompare is { } next)
            {
                toCompare = null;
                Compare(next);
            }
        });

    private void Idle()
    {
        Answering();
        Receive<Resting>(_ => isComparing, _ => Timers.StartSingleTimer("rest", Resting.Instance, RestAfter));
        Receive<Resting>(_ => Context.Parent.Tell(new Passivate(PoisonPill.Instance)));
        Receive<StopRun>(_ => Answer(Seen(briefly: true)));
        Receive<Submit>(submit =>
        {
            if (options is not null)
            {
                Answer(Same(options, submit.Options) ? Yes() : Taken());
                return;
            }

            asked.Add(Sender);
            tries = Tries;
            Prepare(submit, redo: false);
        });
        Receive<Resume>(again =>
        {
            if (options is null && damage is null)
            {
                Answer(
                    new RunRefused(
                        runId,
                        $"There is no run {runId} in this cluster: its journal holds nothing of it. Start it with 'run … --cluster'."
                    )
                );
                return;
            }

            // What others may have written meanwhile counts.
            asked.Add(Sender);
            Timers.CancelAll();
            Become(Reading);
            Read(again);
        });
    }

    /// <param name="submit">For a new run; null for one that the journal knows.</param>
    private void Prepare(Submit? submit, bool redo)
    {
        Timers.CancelAll();
        Become(Preparing);
        tries++;
        Task.Run(() => ReadyAsync(submit, redo))
            .PipeTo(Self, Self, ready => ready, fault => new NotReady(submit, redo, fault.GetBaseException()));
    }

    private void Preparing()
    {
        Answering();
        Receive<Prepared>(Drive);
        Receive<NotReady>(fault =>
        {
            var message = fault.Cause is CoinException known ? known.Message : $"{fault.Cause.GetType().Name}: {fault.Cause.Message}";
            if (fault.Submit is null && (tries < Tries || IsHeld()))
            {
                if (tries == 1)
                {
                    log.Warning("The run cannot be taken up yet and is tried again: {Message}", message);
                }

                Timers.StartSingleTimer("again", new Again(fault.Redo), BetweenTries);
                return;
            }

            log.Error("The run cannot be taken up: {Message}", message);
            asked.ForEach(one => one.Tell(new RunRefused(runId, message)));
            asked.Clear();
            if (latest.Snapshot is { RunId.Length: > 0 } snapshot)
            {
                latest.Observe(snapshot with { Status = RunStatus.Interrupted, Message = message });
            }

            Rest();
        });
        Receive<Again>(again => Prepare(null, again.Redo));
        ReceiveAny(_ => Stash.Stash());
    }

    /// <summary>Whether somebody else drives the run: it lets go when the cluster has given it up, or when its work is done.</summary>
    private bool IsHeld()
    {
        try
        {
            return RunLock.IsHeld(folder);
        }
        catch (CoinException)
        {
            return false;
        }
    }

    /// <summary>Takes the run: lock, journal, and what the rest of it needs.</summary>
    /// <exception cref="CoinException">It cannot be taken up.</exception>
    private async Task<Prepared> ReadyAsync(Submit? submit, bool redo)
    {
        settings.Own?.Prepare(runId);
        var held = RunLock.Take(folder, settings.Node.Cluster.Database);
        try
        {
            if (submit?.Experiment is { } begun && settings.Own is null)
            {
                settings.Others.Begin(begun, runId, submit.Settings);
            }

            var text = Path.Combine(folder, RunPaths.Settings);
            if (submit is not null && !File.Exists(text))
            {
                Durable.WriteText(text, submit.Settings);
            }

            if (settings.Own is { } own && RunJournal.Read(folder) is { } state)
            {
                await FetchAsync(own, state).ConfigureAwait(false);
            }

            var request = new RunRequest(runId, folder, submit?.Options, settings.Node)
            {
                Redo = redo,
                IsShared = true,
                IsFetched = settings.Own is not null,
                Experiment = submit?.Experiment is { } experiment ? experiment with { Program = ProductVersion.Current } : null,
            };
            var taken = await RunHost
                .TakeUpAsync(request, settings.Judges, settings.Work, settings.Work.Describe, settings.Logs)
                .ConfigureAwait(false);
            left.Token.ThrowIfCancellationRequested();
            return new Prepared(taken, held, JournalFollower.Start(folder, settings.Logs.CreateLogger("CoIN.Actors.Nodes")));
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Whoever drives a run has everything of it, so that its folder tells all by itself and the others can fetch from here.
    /// </summary>
    private async Task FetchAsync(OwnRuns own, RunState state)
    {
        await own.BringLooseAsync(runId, [], left.Token).ConfigureAwait(false);
        foreach (var lost in await own.BringAsync(runId, RunArtifacts.Of(state), null, FetchPatience, left.Token).ConfigureAwait(false))
        {
            var (path, reason) = (lost.Artifact.Path, lost.Reason);
            try
            {
                if (await settings.Others.TakeAgainAsync(state, folder, path, left.Token).ConfigureAwait(false))
                {
                    log.Info("{Path} was taken over from another run, and is once more", path);
                    continue;
                }
            }
            catch (CoinException fault)
            {
                reason = $"{reason}; {fault.Message.TrimEnd('.')}";
            }

            log.Warning("{Path} is on no node that can be asked ({Reason})", path, reason);
        }
    }

    private void Drive(Prepared prepared)
    {
        driving = prepared;
        comparison = null;
        Become(Driving);
        var (self, taken) = (Self, prepared.Taken);
        experiment = (taken.State?.Started ?? taken.Start)?.Experiment;
        if (taken.Done is { } done)
        {
            self.Tell(new Over(prepared, done));
            Stash.UnstashAll();
            return;
        }

        options = taken.State?.Options ?? taken.Start!.Options;
        if (taken.State is { } state)
        {
            log.Info(
                "The run is taken up on {Node} after event {Number}; what workers are doing for it goes on",
                settings.Name,
                state.Number
            );
        }

        var ended = new TaskCompletionSource<RunSnapshot>(TaskCreationOptions.RunContinuationsAsynchronously);
        var observer = new Observer(latest, self, prepared);
        var spot = JournalSpot.Of(folder, taken.Request.RunId);
        supervisor = Context.ActorOf(
            RunSupervisor.Props(
                new SupervisorSettings(
                    taken.Request.RunId,
                    folder,
                    taken.Start!,
                    settings.Scheduler,
                    settings.Work,
                    observer,
                    settings.Evaluators(),
                    ended
                )
                {
                    PersistenceId = spot.PersistenceId,
                    Comes = spot.IsDatabase,
                    Program = ProductVersion.Current,
                    IsShared = true,
                    Shared = IsSharing(taken.Start!) ? settings.Shared : null,
                    Bring = settings.Others.BringAsync,
                    Fetch = settings.Own is not { } own
                        ? null
                        : (artifacts, node, stop) => own.RequireAsync(runId, artifacts, node, FetchPatience, stop),
                }
            )
        );
        ended.Task.PipeTo(self, self, last => new Over(prepared, last), fault => new Gone(prepared, fault.GetBaseException().Message));
        prepared.Held.Lost.PipeTo(self, self, () =>
            new Gone(prepared, "while the database was away from this node, another process took the run")
        );
        Stash.UnstashAll();
    }

    /// <summary>Whether a run gives its results to others and takes theirs: those of another program would be none of it.</summary>
    private static bool IsSharing(RunStarted start) =>
        start.Experiment is { Runs.Reuse: true } experiment && experiment.Program == ProductVersion.Current;

    private void Driving()
    {
        Answering();
        Receive<Begun>(begun => begun.Of == driving, _ => Accept());
        Receive<Submit>(submit => Answer(options is not null && Same(options, submit.Options) ? Yes() : Taken()));
        Receive<Resume>(_ => Answer(Yes()));
        Receive<StopRun>(_ =>
        {
            Timers.StartPeriodicTimer("stop", Stopping.Instance, TimeSpan.Zero, BetweenTries);
            Answer(Seen(briefly: true));
        });

        // A supervisor whose database is away hears nothing.
        Receive<Stopping>(_ => supervisor.Tell(RunSupervisor.Stop.Instance));
        Receive<Over>(
            over => over.Of == driving,
            over =>
            {
                Timers.CancelAll();
                latest.Observe(over.Last);
                Accept();
                var last = driving!;
                driving = null;
                Become(Reading);

                // The state by which the next command is decided is the journal's.
                Task.Run(async () =>
                    {
                        await last.ReleaseAsync().ConfigureAwait(false);
                        return new Known(RunJournal.Read(folder), null, last.Taken.Done is null ? Ending.Now : Ending.Again);
                    })
                    .PipeTo(Self, Self, known => known, Unreadable.Of);
            }
        );
        Receive<Gone>(
            gone => gone.Of == driving,
            gone =>
            {
                // The run is taken up again, from the journal, when this actor is begun anew.
                log.Error("The run's supervisor ended: {Message}", gone.Message);
                asked.ForEach(one => one.Tell(new RunRefused(runId, gone.Message)));
                Context.Stop(Self);
            }
        );
    }

    private void Accept()
    {
        asked.ForEach(one => one.Tell(Yes()));
        asked.Clear();
    }

    private void Answering()
    {
        Receive<Look>(look => Answer(Seen(look.Briefly)));
        Comparing();
    }

    private static bool Same(ExperimentOptions left, ExperimentOptions right) =>
        RunHost.Same(
            left with
            {
                Data = left.Data with { SkippedImages = null },
            },
            right with
            {
                Data = right.Data with { SkippedImages = null },
            }
        );

    private Accepted Yes() => new(runId, folder, settings.Name);

    private RunRefused Taken() => new(runId, $"There is a run {runId} with other settings in this cluster. Choose another --run-id.");

    private Looked Seen(bool briefly) =>
        new(runId, latest.Snapshot is { RunId.Length: > 0 } snapshot ? snapshot : null, folder, settings.Name)
        {
            Experiment = briefly ? null : experiment,
            Comparison = comparison,
        };

    private void Answer(IOfRun answer) => Sender.Tell(answer);

    /// <summary>What the supervisor published last, from its thread to this actor's.</summary>
    private sealed class LatestSnapshot : IRunObserver
    {
        private volatile RunSnapshot? snapshot;

        public RunSnapshot? Snapshot => snapshot;

        public void Observe(RunSnapshot snapshot) => this.snapshot = snapshot;
    }

    /// <summary>Keeps the latest snapshot, and tells the entity of the first: by it the run's first event is in the journal.</summary>
    private sealed class Observer(LatestSnapshot latest, IActorRef entity, Prepared of) : IRunObserver
    {
        private bool told;

        public void Observe(RunSnapshot snapshot)
        {
            latest.Observe(snapshot);
            if (!told)
            {
                told = true;
                entity.Tell(new Begun(of));
            }
        }
    }

    /// <summary>A run that this node may drive.</summary>
    private sealed record Prepared(TakenUp Taken, RunLock Held, IAsyncDisposable Follower)
    {
        public async Task ReleaseAsync()
        {
            try
            {
                await Follower.DisposeAsync().ConfigureAwait(false);
            }
            finally
            {
                Held.Dispose();
            }
        }
    }

    /// <summary>When a run ended that has nothing to do.</summary>
    private enum Ending
    {
        /// <summary>Under this actor or, where a node was lost, under the one before it; or long ago.</summary>
        Before,

        /// <summary>It has done something since this actor took it up.</summary>
        Now,

        /// <summary>Somebody resumed it, and it had everything.</summary>
        Again,
    }

    /// <param name="State">Null where nothing has been written.</param>
    private sealed record Known(RunState? State, Resume? Resume, Ending How);

    /// <param name="Folder">Null where it was not to be written.</param>
    /// <param name="Fault">Why it could not be written; null otherwise.</param>
    private sealed record Compared(string? Folder, string? Fault);

    /// <param name="IsFinal">Whether it will not be otherwise by itself: a damaged journal, and not a database that is away.</param>
    private sealed record Unreadable(string Message, bool IsFinal)
    {
        public static Unreadable Of(Exception fault) =>
            fault is AggregateException { InnerException: { } inner }
                ? Of(inner)
                : new(fault.Message, fault is CoinException { IsFinal: true });
    }

    private sealed record NotReady(Submit? Submit, bool Redo, Exception Cause);

    private sealed record Begun(Prepared Of);

    private sealed record Over(Prepared Of, RunSnapshot Last);

    private sealed record Gone(Prepared Of, string Message);

    private sealed record Again(bool Redo);

    private sealed class Resting
    {
        public static readonly Resting Instance = new();
    }

    private sealed class Stopping
    {
        public static readonly Stopping Instance = new();
    }
}
