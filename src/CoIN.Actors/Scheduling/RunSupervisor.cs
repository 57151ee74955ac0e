using Akka.Actor;
using Akka.Event;
using Akka.Pattern;
using Akka.Persistence;
using CoIN.Actors.Journal;
using CoIN.Actors.Protocol;
using CoIN.Actors.Telemetry;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Runs;
using static CoIN.Actors.Protocol.WorkProtocol;

namespace CoIN.Actors.Scheduling;

/// <summary>
/// Owns a run: asks <see cref="RunDecisions"/> what is next, offers it to the scheduler, persists what comes back, and says how things
/// stand. Everything that is decided follows from the persisted events.
/// </summary>
internal class RunSupervisor : JournalWriter, IWithTimers
{
    private static readonly TimeSpan PublishEvery = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan OfferEvery = TimeSpan.FromSeconds(10);

    private readonly SupervisorSettings settings;
    private readonly ILoggingAdapter log;
    private readonly WorkInHand inHand = new();
    private readonly RunProgress progress = new();
    private readonly SharedWork sharing;
    private readonly RunSpans spans;
    private readonly Incoming incoming;
    private readonly Teams teams;

    private readonly Setbacks setbacks = new();
    private readonly KeyedOptions options = new();
    private JudgeFaults judgeFaults = JudgeFaults.None;
    private long takenUp;
    private long turns;
    private bool dirty;
    private RunEvent? ending;
    private bool ended;
    private bool away;
    private bool withdrawn;

    public RunSupervisor(SupervisorSettings settings)
        : base(settings.PersistenceId)
    {
        this.settings = settings;
        log = Context.GetLogger().WithContext("RunId", settings.RunId);
        (sharing, spans) = (new SharedWork(settings.Program), new RunSpans(settings.RunId));
        incoming = new Incoming(Self, settings.RunFolder, settings.Fetch, Take, Again);
        teams = new Teams(inHand, settings.Trainers, log);
        if (settings.Journal.Length > 0)
        {
            JournalPluginId = settings.Journal;
        }

        Command<IMessage>(
            message => !InnerPath.AllInside(settings.RunFolder, MessagePaths.Of(message)),
            message => log.Warning("{Sender} reports {Message}, whose path leads out of the run's folder: refused", Sender.Path, message)
        );
        Recover<RecoveryCompleted>(_ => Self.Tell(Recovered.Instance));
        Command<Recovered>(_ => TakeUp());
        Command<Stop>(_ => End(new RunStopped("stopped on request")));
        Command<OfferAgain>(_ => Remind());
        Command<InsistOnEnd>(_ => Withdraw());
        Command<Publish>(_ => PublishIfDirty());
        Command<WhichOptions>(message => Asked(message));
        Command<MayBegin>(message => Asked(message.Turn));
        Command<StillHas>(Inherited);
        Command<Withdrawn>(_ => withdrawn = true);
        Command<SharedResults.Yours>(message =>
        {
            sharing.Own(message.Key);
            Proceed();
        });
        Command<SharedResults.Made>(Take);
        Command<TakenOver>(Taken);
        Command<NobodyCan>(message =>
        {
            if (setbacks.Hopeless(inHand.Offered.FirstOrDefault(one => one.Turn == message.Turn).Item) is { } fault)
            {
                log.Error("A test failed at every evaluator: {Message}", fault);
                End(new RunFailed(fault));
            }
        });
        Command<TooFewTrainers>(message =>
        {
            if (!ended && teams.Fewer(message, State.Options.Training))
            {
                Proceed();
            }
        });
        Command<WorkLost>(message => Lost(inHand.Lose(message.Turn, Sender) ? [message.Turn] : []));
        Command<Terminated>(gone =>
        {
            if (gone.ActorRef.Equals(settings.Scheduler))
            {
                Context.Stop(Self);
            }
            else
            {
                Lost(inHand.Lose(gone.ActorRef));
            }
        });
        On<TrainingProgressed>((message, _) => Seen(() => progress.Training(message.Progress)));
        On<EvaluationProgressed>(
            (message, _) => Seen(() => progress.Answered(message.Stage, message.Task, message.Shard, message.Answered))
        );
        On<JudgingProgressed>((message, _) => Seen(() => progress.Judged(message.Stage, message.Task, message.Judge, message.Judged)));
        On<LinksOpened>((message, _) => teams.Opened(message));
        On<ModelLoaded>((message, _) => Loaded(message));
        On<CheckpointWritten>((message, item) => incoming.Arrive(message, item, State, Sender));
        On<Outcome>((message, item) => incoming.Arrive(message, item, State, Sender));
        Command<Incoming.Here>(here => incoming.Arrive(here, inHand.ItemOf(here.Report.Turn, Sender), State));
    }

    public ITimerScheduler Timers { get; set; } = null!;

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
        settings.Shared?.Tell(new SharedResults.Gone(settings.RunId));
        spans.Dispose();
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

    private void TakeUp()
    {
        Context.Watch(settings.Scheduler);
        Timers.StartPeriodicTimer("publish", Publish.Instance, PublishEvery, PublishEvery);
        Timers.StartPeriodicTimer("offer", OfferAgain.Instance, OfferEvery, OfferEvery);
        if (State.Started is null)
        {
            Record(settings.Start, () =>
                log.WithContext(WorkProtocol.Narrated, true)
                    .Info(
                        settings.Start.Options.Tasks.Count == 1 ? "Run started with {Tasks} task" : "Run started with {Tasks} tasks",
                        settings.Start.Options.Tasks.Count
                    )
            );
        }

        Record(new RunTakenUp(Environment.MachineName, Environment.ProcessId), () =>
        {
            takenUp = State.Number;
            Proceed();
            Supervise();
        });
    }

    /// <summary>
    /// Takes what a worker says of a turn that is its own. Whatever is older, or of a worker that lost the turn, is refused.
    /// </summary>
    private void On<T>(Action<T, WorkItem> take)
        where T : WorkReport =>
        Command<T>(report =>
        {
            if (inHand.ItemOf(report.Turn, Sender) is { } item)
            {
                take(report, item);
            }
            else
            {
                Sender.Tell(new Refused(report.Turn));
            }
        });

    private void Take(WorkReport report, WorkItem item)
    {
        switch (report)
        {
            case CheckpointWritten written:
                Written(written);
                break;
            case WorkFailed failed:
                Failed(failed, item);
                break;
            case Outcome outcome:
                Ended(outcome, item);
                break;
        }
    }

    /// <summary>What a worker has written is lost before the journal names it.</summary>
    private void Again(WorkReport report, WorkItem item, string reason)
    {
        if (report is not Outcome)
        {
            log.Warning("A checkpoint is passed over: {Reason}", reason);
            return;
        }

        var work = WorkersAtWork.Doing(item, State);
        if (setbacks.Lost(work, reason) is { } fault)
        {
            log.Error("{Fault}", fault);
            ending ??= Ending(new RunFailed(fault));
        }
        else
        {
            log.Warning("What came of the work that {Work} is lost, and it is done again: {Reason}", work, reason);
        }

        inHand.Close(report.Turn);
        Sender.Tell(new Refused(report.Turn));
        teams.BreakUp(report.Turn);
        Proceed();
    }

    private void Asked(WhichOptions asked)
    {
        if (inHand.ItemOf(asked.Turn) is { } item)
        {
            var (key, own) = options.For(item, State);
            Sender.Tell(new OptionsOf(asked.Turn, key, own));
        }
        else
        {
            Sender.Tell(new Refused(asked.Turn));
        }
    }

    private void Asked(Turn turn)
    {
        if (inHand.Claim(turn, Sender))
        {
            Context.Watch(Sender);
            teams.Tell(turn, Sender);
            Trace();
        }
        else
        {
            Sender.Tell(new Refused(turn));
        }
    }

    /// <summary>
    /// A worker has a turn of the supervisor before this one, of work that is not offered any more: its end is in the journal already, or
    /// the run has no use for it.
    /// </summary>
    private void Inherited(StillHas message)
    {
        if (
            takenUp > 0
            && inHand.ItemOf(message.Turn, Sender) is null
            && !inHand.Items.Concat(sharing.Awaited).Any(one => one.IsSameWork(message.Item))
        )
        {
            Sender.Tell(new Refused(message.Turn));
        }
    }

    private void Supervise()
    {
        if (!ended)
        {
            settings.Scheduler.Tell(new Supervises(Turn.Of(settings.RunId, takenUp, 0)));
        }
    }

    private void Lost(IReadOnlyList<Turn> lost)
    {
        if (lost.Count > 0)
        {
            teams.Lost(lost);
            Proceed();
        }
    }

    /// <summary>Offers what is missing, or ends.</summary>
    private void Proceed()
    {
        if (takenUp == 0 || ended)
        {
            return;
        }

        var next = RunDecisions.Next(State, ending is null ? [.. inHand.Items, .. sharing.Awaited] : inHand.Items, judgeFaults, ending);
        judgeFaults = next.Faults;
        var possible = settings.Shared is not { } shared
            ? next.Offers
            : next
                .Offers.Where(item => sharing.MayOffer(State, item, key => shared.Tell(new SharedResults.Claim(key, settings.RunId))))
                .ToList();
        List<(Turn Turn, WorkItem Item)> offers =
        [
            .. possible.SelectMany(item => teams.Turns(Turn.Of(settings.RunId, takenUp, ++turns), item, State.Options.Training.WorldSize)),
        ];
        offers.ForEach(one => inHand.Add(one.Turn, one.Item));
        Offers(offers);
        Trace();
        if (next.End.Count > 0)
        {
            (ended, ending) = (true, next.End[^1]);
            foreach (var happened in next.End)
            {
                Record(happened, happened == ending ? Finish : () => { });
            }
        }
    }

    /// <summary>Keeps the spans of the run's trace as its work is.</summary>
    private void Trace()
    {
        if (!RunSpans.Wanted)
        {
            return;
        }

        var items = inHand.Items;
        spans.See(
            [
                .. inHand.Begun.Select(one => new WorkSpan(
                    one.Turn,
                    inHand.ItemOf(one.Turn, one.Worker)!,
                    TaskOf(inHand.ItemOf(one.Turn, one.Worker)!),
                    one.Worker
                )),
            ],
            stage => items.Concat(ending is null ? Plan.Pending(State) : []).Any(item => RunSpans.StageOf(item) == stage)
        );
    }

    private string TaskOf(WorkItem item) =>
        item switch
        {
            TrainStage train => State.Curriculum.Stage(train.Stage).Name,
            AnswerShard shard => State.TaskNames[shard.Task],
            ScoreCell cell => State.TaskNames[cell.Task],
            JudgeCell cell => State.TaskNames[cell.Task],
            _ => item.GetType().Name,
        };

    /// <summary>Another run has computed what this one needs: its files are copied beside the actor's own work.</summary>
    private void Take(SharedResults.Made made)
    {
        if (ending is not null || sharing.Place(made.Key) is not { } place)
        {
            return;
        }

        if (State.BaseModelSha256 is { } model && model != made.BaseModelSha256)
        {
            sharing.Own(made.Key);
            Proceed();
            return;
        }

        SharedWork
            .CopyAsync(made, place, settings.RunFolder, State)
            .PipeTo(
                Self,
                Self,
                happened => new TakenOver(made, happened, null),
                fault => new TakenOver(made, null, fault.GetBaseException().Message)
            );
    }

    private void Taken(TakenOver taken)
    {
        var made = taken.Made;
        if (ended)
        {
            return;
        }

        if (taken.Happened is not { } happened)
        {
            log.Warning("What {Other} computed cannot be taken over, and is computed again: {Reason}", made.RunId, taken.Fault);
            sharing.Own(made.Key);
            Proceed();
            return;
        }

        if (State.BaseModelSha256 is null)
        {
            Record(new BaseModelLoaded(made.BaseModelSha256), () => { });
        }

        Record(happened, () =>
        {
            sharing.Ended(made.Key);
            log.Info(
                happened is StageTrained trained
                    ? $"Stage {trained.Stage} is the same as that of {{Other}}: taken over"
                    : "A test is the same as that of {Other}: taken over",
                made.RunId
            );
            Proceed();
        });
    }

    /// <summary>Tells the other runs of an experiment what is there.</summary>
    private void Share(RunEvent happened)
    {
        if (settings.Shared is { } shared && State.BaseModelSha256 is { } model && sharing.KeyOf(State, happened) is { } key)
        {
            shared.Tell(new SharedResults.Made(key, settings.RunId, settings.RunFolder, model, happened));
        }
    }

    /// <summary>
    /// Training and testing go on without a judge, and a run that lacks nothing but judgements is none the worse for a judge that fails.
    /// </summary>
    private void Failed(WorkFailed message, WorkItem item)
    {
        spans.Failed(message.Turn, message.Message);
        if (settings.IsShared && ending is null && item is AnswerShard or ScoreCell)
        {
            setbacks.TestFailed(item, PathOf(Sender), message.Message);
            log.Warning("A test failed at {Worker} and is given to others: {Message}", Sender.Path, message.Message);
        }
        else if (item is not JudgeCell cell)
        {
            log.Error("Work failed: {Message}", message.Message);
            ending ??= Ending(new RunFailed(message.Message));
        }
        else
        {
            progress.Judged(cell.Stage, cell.Task, cell.Judge);

            // What would fail in the same way, after as many tries, is not begun.
            inHand.CloseOffered(one => one is JudgeCell other && other.Judge == cell.Judge);
            judgeFaults = judgeFaults.With(cell.Judge, message.Message, Plan.Pending(State).All(one => one is JudgeCell));
            if (judgeFaults.IsGivenUp(cell.Judge))
            {
                log.Error("Judging by {Judge} failed: {Message}", cell.Judge, message.Message);
            }
            else
            {
                log.Warning("The judge {Judge} failed and is asked again when the rest is done: {Message}", cell.Judge, message.Message);
            }
        }

        Settle(message);
    }

    /// <summary>Says again what may have been lost on its way.</summary>
    private void Remind()
    {
        if (teams.GiveUpHalf())
        {
            Proceed();
        }

        Offers(inHand.Offered);
        Supervise();
        foreach (var (turn, worker) in inHand.Begun)
        {
            teams.Tell(turn, worker);
        }
    }

    private void Offers(IEnumerable<(Turn Turn, WorkItem Item)> turns)
    {
        foreach (var (turn, item) in Teams.Offers(turns))
        {
            settings.Scheduler.Tell(
                new Offer(turn, settings.RunFolder, null, item)
                {
                    OptionsKey = options.For(item, State).Key,
                    Priority = State.Options.Priority,
                    Not = setbacks.Not(item),
                }
            );
        }
    }

    /// <summary>Lets what is in work come to a resumable point, then ends the run with an event.</summary>
    private void End(RunEvent last)
    {
        ending ??= Ending(last);
        Proceed();
    }

    private RunEvent Ending(RunEvent last)
    {
        inHand.CloseOffered();
        Timers.StartPeriodicTimer("end", InsistOnEnd.Instance, TimeSpan.Zero, RepeatEvery);
        return last;
    }

    private void Withdraw()
    {
        if (!withdrawn)
        {
            settings.Scheduler.Tell(new Withdraw(settings.RunId));
        }

        foreach (var (turn, worker) in inHand.Begun)
        {
            worker.Tell(new StopWork(turn));
        }
    }

    private void Finish()
    {
        var message = State.Message;
        if (settings.IsShared)
        {
            RunFiles.Tidy(settings.RunFolder, State, Warn);
        }

        try
        {
            settings.Work.WriteReports(settings.RunFolder, State);
        }
        catch (CoinException e)
        {
            // The journal has everything: a report can be written again.
            message = e.Message;
            log.Error("The reports could not be written: {Message}", e.Message);
        }

        log.WithContext(WorkProtocol.Narrated, true).Info("Run is {Status} after {Seconds:F0} s", State.Status, State.Driven.TotalSeconds);
        spans.Ended(State.Status, message);
        var snapshot = State.ToSnapshot() with { Message = message };
        settings.Observer.Observe(snapshot);
        dirty = false;
        settings.Ended.TrySetResult(snapshot);
        Context.Stop(Self);
    }

    private void Loaded(ModelLoaded message)
    {
        switch (RunDecisions.EventOf(message, State))
        {
            case RunFailed failed:
                End(failed);
                break;
            case { } happened:
                Record(happened, () => { });
                break;
        }
    }

    private void Written(CheckpointWritten message)
    {
        if (RunDecisions.EventOf(message, State) is not { } happened)
        {
            return;
        }

        Record(happened, () =>
        {
            RunFiles.DeleteCheckpoints(
                settings.RunFolder,
                message.Stage,
                State.Curriculum.Stage(message.Stage).Name,
                before: message.Folder,
                Warn
            );
            log.Info("Checkpoint of stage {Stage} at step {Step}", message.Stage, message.Step);
            if (settings.Fetch is not null && !Sender.Path.Address.HasLocalScope)
            {
                Sender.Tell(new Kept(message.Turn, message.Folder));
            }
        });
    }

    private void Ended(Outcome outcome, WorkItem item)
    {
        if (outcome is JudgementsWritten { Cell: var judged })
        {
            progress.Judged(judged.Stage, judged.Task, judged.Judge);
        }

        if (RunDecisions.EventOf(outcome, State) is not { } happened)
        {
            Settle(outcome);
            return;
        }

        if (
            happened is StageTrained adapter
            && settings.IsShared
            && RunPaths.Adapter(adapter.Stage, adapter.Task) is var place
            && place != adapter.Folder
        )
        {
            try
            {
                RunFiles.PutInPlace(settings.RunFolder, adapter.Folder, place, adapter.FolderSha256);
                happened = adapter with { Folder = place };
            }
            catch (CoinException e)
            {
                Again(outcome, item, e.Message);
                return;
            }
        }

        if (happened is CheckpointDiscarded)
        {
            log.Warning("{Damage}", RunLosses.Describe(happened, State));
        }

        Record(happened, () =>
        {
            if (happened is StageTrained trained)
            {
                progress.Trained(trained);
                teams.StageEnded();
                RunFiles.DeleteCheckpoints(settings.RunFolder, trained.Stage, trained.Task, before: null, Warn);
            }
            else if (happened is ShardAnswered answered)
            {
                progress.Answered(answered);
            }
            else if (outcome is CellWritten { Cell: var cell })
            {
                RunFiles.Delete(settings.RunFolder, cell.Files.Items, Warn);
            }

            Share(happened);
            Settle(outcome);
        });
    }

    /// <summary>Ends a turn. What was to be written about it is in the journal.</summary>
    private void Settle(Outcome outcome)
    {
        inHand.Close(outcome.Turn);
        Sender.Tell(new Acknowledged(outcome.Turn));
        if (outcome is not SharesTrained)
        {
            teams.BreakUp(outcome.Turn);
        }

        Proceed();
    }

    /// <summary>What cannot be deleted is in nobody's way.</summary>
    private void Warn(string warning) => log.Warning("{Warning}", warning);

    /// <summary>Persists an event, applies it, and only then does what follows from it.</summary>
    private void Record(RunEvent happened, Action then)
    {
        Append([happened], _ =>
        {
            if (happened is CellScored scored)
            {
                RunMetrics.Scored(
                    new WorkPlace(settings.RunId, scored.Stage, State.TaskNames[scored.Task]),
                    scored.Accuracy,
                    scored.Corrected
                );
            }

            progress.Happened();
            dirty = true;
            then();
            PublishIfDirty();
        });
    }

    private void Seen(Action see)
    {
        see();
        dirty = true;
    }

    private void PublishIfDirty()
    {
        if (dirty && State.Started is not null)
        {
            dirty = false;
            settings.Observer.Observe(
                progress.Snapshot(State, settings.Evaluators, driven: !ended) with
                {
                    Workers = WorkersAtWork.Of(inHand, State),
                }
            );
        }
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

        settings.Ended.TrySetException(
            new CoinException(
                $"The journal {Path.Combine(settings.RunFolder, RunPaths.Journal)} cannot be {what}: {cause.GetBaseException().Message} "
                    + "Free space on the disk or mend its permissions, then resume the run.",
                cause
            )
        );
    }

    /// <summary>Asks the supervisor to stop the run at a resumable point.</summary>
    internal sealed class Stop
    {
        public static readonly Stop Instance = new();
    }

    /// <param name="Happened">The event to write; null where the files could not be had.</param>
    private sealed record TakenOver(SharedResults.Made Made, RunEvent? Happened, string? Fault);

    private sealed class Recovered
    {
        public static readonly Recovered Instance = new();
    }

    private sealed class InsistOnEnd
    {
        public static readonly InsistOnEnd Instance = new();
    }

    private sealed class OfferAgain
    {
        public static readonly OfferAgain Instance = new();
    }

    private sealed class Publish
    {
        public static readonly Publish Instance = new();
    }
}
