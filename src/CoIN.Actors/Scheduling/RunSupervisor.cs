using Akka.Actor;
using Akka.Event;
using Akka.Pattern;
using Akka.Persistence;
using CoIN.Actors.Journal;
using CoIN.Actors.Protocol;
using CoIN.Benchmark;
using CoIN.Benchmark.Runs;
using static CoIN.Actors.Protocol.SharingProtocol;
using static CoIN.Actors.Protocol.WorkProtocol;

namespace CoIN.Actors.Scheduling;

/// <summary>
/// Owns a run: asks <see cref="RunDecisions"/> what is next, has it offered by its <see cref="Assignments"/>, persists what comes back, and
/// has it published. Everything that is decided follows from the persisted events.
/// </summary>
internal class RunSupervisor : JournalWriter, ISupervisedRun, IWithTimers
{
    private static readonly TimeSpan PublishEvery = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan OfferEvery = TimeSpan.FromSeconds(10);

    private readonly SupervisorSettings settings;
    private readonly ILoggingAdapter log;
    private readonly Assignments work;
    private readonly SharedWork sharing;
    private readonly RunPublisher publisher;
    private readonly RunUpkeep folder;
    private readonly WorkResults results;
    private readonly Incoming incoming;

    private RunEvent? ending;
    private bool ended;
    private bool away;

    public RunSupervisor(SupervisorSettings settings)
        : base(settings.PersistenceId)
    {
        this.settings = settings;
        log = Context.GetLogger().WithContext("RunId", settings.RunId);
        work = new Assignments(settings, log);
        sharing = new SharedWork(settings, log, Clock(Context.System.Scheduler));
        publisher = new RunPublisher(settings);
        folder = new RunUpkeep(settings.RunFolder, settings.IsShared, settings.Work, warning => log.Warning("{Warning}", warning));
        results = new WorkResults(this, work, sharing, publisher, folder, settings, log);
        incoming = new Incoming(Self, settings.RunFolder, settings.Fetch, results.Take, results.Lost);
        if (settings.Journal.Length > 0)
        {
            JournalPluginId = settings.Journal;
        }

        Command<IMessage>(
            message => !InnerPath.AllInside(settings.RunFolder, MessagePaths.Of(message)),
            message => log.Warning("{Sender} reports {Message}, whose path leads out of the run's folder: refused", Sender.Path, message)
        );
        BeginsAndEnds();
        GivesOutWork();
        HearsOfWork();
        SharesResults();
    }

    public ITimerScheduler Timers { get; set; } = null!;

    RunState ISupervisedRun.State => State;

    bool ISupervisedRun.IsEnding => ending is not null;

    /// <summary>Makes a supervisor; where the journal may be away for a while, one that makes it anew until it is back.</summary>
    public static Props Props(SupervisorSettings settings)
    {
        var own = Akka.Actor.Props.Create(() => new RunSupervisor(settings));
        return !settings.Comes
            ? own
            : BackoffSupervisor.Props(
                Backoff
                    .OnStop(own, "supervisor", TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(3), randomFactor: 0.2, maxNrOfRetries: -1)
                    .WithAutoReset(TimeSpan.FromSeconds(10))
                    .WithSupervisorStrategy(new OneForOneStrategy(_ => Directive.Stop))
            );
    }

    protected override void PostStop()
    {
        sharing.Stop();
        if (ended || (!away && !settings.IsShared))
        {
            // In a cluster a run whose supervisor is lost goes on elsewhere.
            sharing.Leave();
        }

        publisher.Dispose();
        incoming.Stop();
        if (!away)
        {
            settings.Ended.TrySetException(
                new CoinException("The run's supervisor ended before the run did; the log says why. Resume the run.")
            );
            if (settings.Comes)
            {
                Context.Stop(Context.Parent);
            }
        }

        base.PostStop();
    }

    protected override void Broken(string what, Exception cause)
    {
        if (settings.Comes)
        {
            away = true;
            log.Warning(
                "The database with the run's journal cannot be {What}: {Reason} The run waits for it",
                what,
                cause.GetBaseException().Message
            );
            return;
        }

        settings.Ended.TrySetException(settings.JournalFault(what, cause));
    }

    private void BeginsAndEnds()
    {
        Recover<RecoveryCompleted>(_ => Self.Tell(new Recovered()));
        Command<Recovered>(_ => TakeUp());
        Command<Stop>(_ => End(new RunStopped("stopped on request")));
        Command<InsistOnEnd>(_ => work.Withdraw());
        Command<Withdrawn>(_ => work.Withdrawn());
        Command<Publish>(_ => PublishIfDirty());
    }

    private void GivesOutWork()
    {
        Command<OfferAgain>(_ => Remind());
        Command<WhichOptions>(message => work.Asked(message, Sender, State));
        Command<MayBegin>(message =>
        {
            var known = work.InHand.ItemOf(message.Turn, Sender) is not null;
            if (work.Asked(message, Sender))
            {
                Context.Watch(Sender);
                Trace();
                if (!known && ending is null)
                {
                    Begins(message);
                }
            }
        });
        Command<StillHas>(message => work.Inherited(message, Sender, sharing.Awaited));
        Command<TooSlow>(message => ProceedIf(ending is null && work.TooSlow(message, Sender, State)));
        Command<NobodyCan>(message =>
        {
            if (work.Hopeless(message.Turn) is { } fault)
            {
                log.Error("A test failed at every evaluator: {Message}", fault);
                End(new RunFailed(fault));
            }
        });
        Command<TooFewTrainers>(message => ProceedIf(!ended && work.Fewer(message, State)));
        Command<WorkLost>(message => ProceedIf(work.Lost(message, Sender)));
        Command<Terminated>(gone =>
        {
            if (gone.ActorRef.Equals(settings.Scheduler))
            {
                Context.Stop(Self);
            }
            else
            {
                ProceedIf(work.Lost(gone.ActorRef));
            }
        });
    }

    private void HearsOfWork()
    {
        On<TrainingProgressed>((message, _) => publisher.Seen(message));
        On<EvaluationProgressed>((message, _) => publisher.Seen(message));
        On<JudgingProgressed>((message, _) => publisher.Seen(message));
        On<LinksOpened>((message, _) => work.Opened(message));
        On<ModelLoaded>((message, _) => results.Loaded(message));
        On<CheckpointWritten>((message, item) => incoming.Arrive(message, item, State, Sender));
        On<Outcome>((message, item) => incoming.Arrive(message, item, State, Sender));
        Command<Incoming.Here>(here => incoming.Arrive(here, work.InHand.ItemOf(here.Report.Turn, Sender), State, Sender));
    }

    private void SharesResults()
    {
        Command<Yours>(message =>
        {
            sharing.Heard();
            sharing.Own(message.Key);
            Proceed();
        });
        Command<Noted>(message => sharing.Noted(message.Key));
        Command<Heard>(_ => sharing.Heard());
        Command<ShareAgain>(_ => ProceedIf(!ended && sharing.Remind(work.InHand.Items, State)));
        Command<Made>(made => ProceedIf(ending is null && !sharing.TakeOver(made, State, Self)));
        Command<SharedWork.TakenOver>(taken =>
        {
            if (!ended && sharing.EventsOf(taken, State) is { } events)
            {
                Record(events, () =>
                {
                    sharing.Ended(taken);
                    Proceed();
                });
            }
            else
            {
                Proceed();
            }
        });
    }

    /// <summary>
    /// Takes what a worker says of a turn that is its own. Whatever is older, or of a worker that lost the turn, is refused.
    /// </summary>
    private void On<T>(Action<T, WorkItem> take)
        where T : WorkReport =>
        Command<T>(report =>
        {
            if (work.InHand.ItemOf(report.Turn, Sender) is { } item)
            {
                take(report, item);
            }
            else
            {
                Sender.Tell(new Refused(report.Turn));
            }
        });

    private void TakeUp()
    {
        Context.Watch(settings.Scheduler);
        Timers.StartPeriodicTimer("publish", new Publish(), PublishEvery, PublishEvery);
        Timers.StartPeriodicTimer("offer", new OfferAgain(), OfferEvery, OfferEvery);
        if (settings.Shared is not null && settings.IsShared)
        {
            Timers.StartPeriodicTimer("share", new ShareAgain(), RepeatEvery, RepeatEvery);
        }

        if (State.Started is null)
        {
            var tasks = settings.Start.Options.Tasks.Count;
            Record([settings.Start], () =>
                Narrate().Info(tasks == 1 ? "Run started with {Tasks} task" : "Run started with {Tasks} tasks", tasks)
            );
        }

        Record([new RunTakenUp(Environment.MachineName, Environment.ProcessId)], () =>
        {
            work.TakeUp(State.Number);
            work.Inherit(State);
            Proceed();
            work.Supervise(stillDriven: !ended);
        });
    }

    private void Begins(MayBegin message)
    {
        var (happened, fault) = work.Begins(message, State);
        if (fault is not null)
        {
            log.Error("{Fault}", fault);
            End(new RunFailed(fault));
        }
        else if (happened is not null)
        {
            Record([happened], () => { });
        }
    }

    /// <summary>Says again what may have been lost on its way.</summary>
    private void Remind()
    {
        ProceedIf(work.GiveUpHalf());
        work.Remind(State, stillDriven: !ended);
    }

    /// <inheritdoc/>
    public void Proceed()
    {
        if (!work.IsTakenUp || ended)
        {
            return;
        }

        var known = work.InHand.Items;
        var next = RunDecisions.Next(State, ending is null ? [.. known, .. sharing.Awaited] : known, work.Faults, ending);
        work.Faults = next.Faults;
        if (ending is null && work.TooOften(next.Offers, State) is { } fault)
        {
            log.Error("{Fault}", fault);
            End(new RunFailed(fault));
            return;
        }

        work.Offer(sharing.MayOffer(next.Offers, State), State);
        Trace();
        if (next.End.Count > 0)
        {
            (ended, ending) = (true, next.End[^1]);
            Record(next.End, Finish);
        }
    }

    private void ProceedIf(bool changed)
    {
        if (changed)
        {
            Proceed();
        }
    }

    /// <inheritdoc/>
    public void End(RunEvent last)
    {
        if (ending is null)
        {
            ending = last;
            work.InHand.CloseOffered();
            Timers.StartPeriodicTimer("end", new InsistOnEnd(), TimeSpan.Zero, RepeatEvery);
        }

        Proceed();
    }

    private void Finish()
    {
        var fault = folder.AtTheEnd(State);
        if (fault is not null)
        {
            log.Error("The reports could not be written: {Message}", fault);
        }

        Narrate().Info("Run is {Status} after {Seconds:F0} s", State.Status, State.Driven.TotalSeconds);
        settings.Ended.TrySetResult(publisher.Ended(State, fault ?? State.Message));
        Context.Stop(Self);
    }

    /// <inheritdoc/>
    public void Record(IReadOnlyList<RunEvent> events, Action then)
    {
        var left = events.Count;
        Append(events, happened =>
        {
            publisher.Happened(happened, State);
            if (--left == 0)
            {
                then();
            }

            PublishIfDirty();
        });
    }

    private void PublishIfDirty() => publisher.Publish(work.InHand, State, driven: !ended);

    private void Trace() => publisher.Trace(work.InHand, State, ending is not null);

    private static Func<DateTimeOffset> Clock(IScheduler scheduler) => () => scheduler.Now;

    private ILoggingAdapter Narrate() => log.WithContext(Narrated, true);

    /// <summary>Asks the supervisor to stop the run at a resumable point.</summary>
    internal sealed class Stop
    {
        public static readonly Stop Instance = new();
    }

    private sealed record Recovered;

    private sealed record InsistOnEnd;

    private sealed record OfferAgain;

    private sealed record Publish;

    private sealed record ShareAgain;
}
