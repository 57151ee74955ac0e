using Akka.Actor;
using Akka.Event;
using Akka.Persistence;
using CoIN.Actors.Work;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Runs;
using static CoIN.Actors.Work.WorkProtocol;

namespace CoIN.Actors.Runs;

/// <summary>What a supervisor is made with.</summary>
/// <param name="Start">The first event of the run, for the case that its journal is empty.</param>
/// <param name="Ended">Completed with the last snapshot, or with the fault that ended the supervisor.</param>
internal sealed record SupervisorSettings(
    string RunId, string RunFolder, RunStarted Start, IActorRef Scheduler, IBenchmarkWork Work, IRunObserver Observer, int Evaluators,
    TaskCompletionSource<RunSnapshot> Ended);

/// <summary>
/// Owns a run: asks the <see cref="Plan"/> what is missing, offers it to the scheduler, persists what comes back, and says how things stand. Everything that it decides
/// follows from the persisted events.
/// </summary>
internal sealed class RunSupervisor : ReceivePersistentActor, IWithTimers
{
    private static readonly TimeSpan PublishEvery = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan OfferEvery = TimeSpan.FromSeconds(10);

    private readonly SupervisorSettings settings;
    private readonly ILoggingAdapter log;
    private readonly HashSet<WorkItem> inWork = [];
    private readonly RunProgress progress = new();
    private RunState state = RunState.Empty;
    private long lastNumber;
    private bool dirty;
    private RunEvent? ending;
    private bool ended;
    private string? judgeFault;

    public RunSupervisor(SupervisorSettings settings)
    {
        this.settings = settings;
        log = Context.GetLogger().WithContext("RunId", settings.RunId);
        Command<IMessage>(
            message => !InnerPath.AllInside(settings.RunFolder, MessagePaths.Of(message)),
            message => log.Warning("{Sender} reports {Message}, whose path leads out of the run's folder: refused", Sender.Path, message));
        Recover<IRunEvent>(happened =>
        {
            state = state.Apply(happened);
            lastNumber = happened.Number;
        });
        Recover<RecoveryCompleted>(_ => Self.Tell(Begin.Instance));
        Command<Begin>(_ => TakeUp());
        Command<Stop>(_ => End(new RunStopped("stopped on request")));
        Command<OfferAgain>(_ => Offers(inWork));
        Command<Publish>(_ => PublishIfDirty());
        Command<TrainingProgressed>(message => Seen(() => progress.Training(message.Progress)));
        Command<EvaluationProgressed>(message => Seen(() => progress.Answered(message.Stage, message.Task, message.Shard, message.Answered)));
        Command<JudgingProgressed>(message => Seen(() => progress.Judged(message.Stage, message.Task, message.Judge, message.Judged)));
        Command<ModelLoaded>(Loaded);
        Command<CheckpointWritten>(Written);
        Command<AdapterWritten>(Written);
        Command<ShardWritten>(Written);
        Command<CellWritten>(Written);
        Command<JudgementsWritten>(Written);
        Command<WorkStopped>(message => Done(message.Item));
        Command<WorkFailed>(message =>
        {
            inWork.Remove(message.Item);
            if (message.Item is JudgeCell cell)
            {
                Failed(cell, message.Message);
                return;
            }

            log.Error("Work failed: {Message}", message.Message);
            End(new RunFailed(message.Message));
        });
    }

    public override string PersistenceId => PersistenceIdOf(settings.RunId);

    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>The name of a run's events in its journal.</summary>
    internal static string PersistenceIdOf(string runId) => $"run-{runId}";

    protected override void OnPersistFailure(Exception cause, object @event, long sequenceNr) => Broken("written", cause);

    protected override void OnPersistRejected(Exception cause, object @event, long sequenceNr)
    {
        // The default would go on with a hole in the journal.
        Broken("written", cause);
        Context.Stop(Self);
    }

    protected override void OnRecoveryFailure(Exception reason, object? message = null) => Broken("read", reason);

    protected override void PostStop()
    {
        settings.Ended.TrySetException(new CoinException("The run's supervisor ended before the run did; the log says why. Resume the run."));
        base.PostStop();
    }

    private void TakeUp()
    {
        // A scheduler that outlives supervisors must not hold this run's past against it.
        settings.Scheduler.Tell(new Withdraw(settings.RunId));
        Timers.StartPeriodicTimer("publish", Publish.Instance, PublishEvery, PublishEvery);
        Timers.StartPeriodicTimer("offer", OfferAgain.Instance, OfferEvery, OfferEvery);
        if (state.Started is null)
        {
            Record(settings.Start, () => log.Info("Run started with {Tasks} tasks", settings.Start.Options.Tasks.Count));
        }

        Record(new RunTakenUp(Environment.MachineName, Environment.ProcessId), Proceed);
    }

    /// <summary>Offers what is missing, or ends.</summary>
    private void Proceed()
    {
        if (ending is not null)
        {
            if (inWork.Count == 0 && !ended)
            {
                ended = true;
                Record(ending, Finish);
            }

            return;
        }

        if (Plan.IsFinished(state))
        {
            Record(new RunCompleted(), Finish);
            return;
        }

        // While a stage trains, its checkpoints change where the plan would begin it.
        var missing = Possible().Where(item => !inWork.Any(item.IsSameWork)).ToList();
        inWork.UnionWith(missing);
        Offers(missing);
    }

    /// <summary>A judge that failed rests while there is other work, and then has one more chance.</summary>
    private IEnumerable<WorkItem> Possible()
    {
        var pending = Plan.Pending(state);
        if (judgeFault is not null && pending.Any(item => item is not JudgeCell))
        {
            return pending.Where(item => item is not JudgeCell);
        }

        judgeFault = null;
        return pending;
    }

    /// <summary>Training and testing go on without a judge; only when there is nothing else left to do does its fault end the run.</summary>
    private void Failed(JudgeCell cell, string message)
    {
        progress.Judged(cell.Stage, cell.Task, cell.Judge);
        if (ending is null && Plan.Pending(state).Any(item => item is not JudgeCell))
        {
            log.Warning("The judge {Judge} failed and is asked again when the rest is done: {Message}", cell.Judge, message);
            judgeFault = message;
            Proceed();
            return;
        }

        log.Error("Judging failed: {Message}", message);
        End(new RunFailed($"{message} Everything is trained and tested; only judgements are missing. "
            + $"Another judge: ./run.sh judge run {settings.RunId} --judge …; none: ./run.sh judge dismiss {settings.RunId} {cell.Judge}"));
    }

    private void Offers(IEnumerable<WorkItem> items)
    {
        if (ending is null)
        {
            foreach (var item in items)
            {
                settings.Scheduler.Tell(new Offer(settings.RunId, settings.RunFolder, OptionsFor(item), item));
            }
        }
    }

    /// <summary>A judge is told its own options, which may not be those that the run began with.</summary>
    private ExperimentOptions OptionsFor(WorkItem item) =>
        item is JudgeCell cell && state.Judges.TryGetValue(cell.Judge, out var judge) ? state.Options with { Judge = judge } : state.Options;

    /// <summary>Lets what is in work come to a resumable point, then ends the run with an event.</summary>
    private void End(RunEvent last)
    {
        if (ending is null)
        {
            ending = last;
            settings.Scheduler.Tell(new Withdraw(settings.RunId));
        }

        Proceed();
    }

    private void Finish()
    {
        var message = state.Message;
        try
        {
            settings.Work.WriteReports(settings.RunFolder, state);
        }
        catch (CoinException e)
        {
            // The journal has everything: a report can be written again.
            message = e.Message;
            log.Error("The reports could not be written: {Message}", e.Message);
        }

        log.Info("Run is {Status} after {Seconds:F0} s", state.Status, progress.Snapshot(state, settings.Evaluators).Elapsed.TotalSeconds);
        var snapshot = progress.Snapshot(state, settings.Evaluators) with { Message = message };
        settings.Observer.Observe(snapshot);
        dirty = false;
        settings.Ended.TrySetResult(snapshot);
        Context.Stop(Self);
    }

    private void Loaded(ModelLoaded message)
    {
        if (state.BaseModelSha256 is null)
        {
            Record(new BaseModelLoaded(message.Sha256), () => { });
        }
        else if (state.BaseModelSha256 != message.Sha256)
        {
            End(new RunFailed(
                $"The base model in {state.Options.Model.Name()} is not the one this run began with (SHA-256 {message.Sha256[..12]}…, then {state.BaseModelSha256[..12]}…). " +
                "Put the former files back, or start a new run."));
        }
    }

    private void Written(CheckpointWritten message)
    {
        if (!state.Trained.ContainsKey(message.Stage))
        {
            Record(new CheckpointSaved(message.Stage, message.Step, message.Folder, message.Sha256), () =>
            {
                RunFiles.DeleteCheckpoints(settings.RunFolder, message.Stage, state.Curriculum.Stage(message.Stage).Name, before: message.Folder);
                log.Info("Checkpoint of stage {Stage} at step {Step}", message.Stage, message.Step);
            });
        }
    }

    private void Written(AdapterWritten message)
    {
        if (state.Trained.ContainsKey(message.Stage.Stage))
        {
            Done(message.Stage);
            return;
        }

        var task = state.Curriculum.Stage(message.Stage.Stage).Name;
        var trained = new StageTrained(
            message.Stage.Stage, task, message.Folder, message.AdapterSha256, message.ProjectorSha256, message.Steps, message.FinalLoss, message.Tokens, message.Seconds)
        {
            FolderSha256 = message.FolderSha256,
        };
        Record(trained, () =>
        {
            progress.Trained(trained);
            RunFiles.DeleteCheckpoints(settings.RunFolder, trained.Stage, task, before: null);
            Done(message.Stage);
        });
    }

    private void Written(ShardWritten message)
    {
        var (item, answered) = (message.Shard, new ShardAnswered(
            message.Shard.Stage, message.Shard.Task, message.Shard.Shard, message.Shard.Shards, message.File, message.Sha256, message.Samples, message.Seconds));
        if (state.Cells.ContainsKey((item.Stage, item.Task)) || state.Shards.ContainsKey((item.Stage, item.Task, item.Shard)))
        {
            Done(item);
            return;
        }

        Record(answered, () =>
        {
            progress.Answered(answered);
            Done(item);
        });
    }

    private void Written(CellWritten message)
    {
        var cell = message.Cell;
        if (state.Cells.ContainsKey((cell.Stage, cell.Task)))
        {
            Done(cell);
            return;
        }

        var scored = new CellScored(cell.Stage, cell.Task, message.Accuracy, message.Samples, message.File, message.Sha256)
        {
            Corrected = message.Corrected,
            CorrectedSamples = message.CorrectedSamples,
            ScoresFile = message.ScoresFile,
            ScoresSha256 = message.ScoresSha256,
        };
        Record(scored, () =>
        {
            RunFiles.Delete(settings.RunFolder, cell.Files.Items);
            Done(cell);
        });
    }

    private void Written(JudgementsWritten message)
    {
        var cell = message.Cell;
        progress.Judged(cell.Stage, cell.Task, cell.Judge);
        if (!state.Judges.TryGetValue(cell.Judge, out var judge) || state.Judgements.GetValueOrDefault((cell.Stage, cell.Task, cell.Judge))?.Identity == cell.Identity)
        {
            Done(cell);
            return;
        }

        var judged = new CellJudged(
            cell.Stage, cell.Task, cell.Judge, judge.Kind, judge.Model ?? judge.Path, cell.Identity, message.Published, message.Corrected, message.Samples,
            message.Unparsable, message.File, message.Sha256)
        {
            Unscored = message.Unscored is { Count: > 0 } unscored ? unscored : null,
        };
        Record(judged, () => Done(cell));
    }

    private void Done(WorkItem item)
    {
        inWork.Remove(item);
        Proceed();
    }

    /// <summary>Persists an event, applies it, and only then does what follows from it.</summary>
    private void Record(RunEvent happened, Action then)
    {
        var numbered = happened with { Number = ++lastNumber, At = DateTimeOffset.UtcNow };
        Persist(numbered, persisted =>
        {
            state = state.Apply(persisted);
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
        if (dirty && state.Started is not null)
        {
            dirty = false;
            settings.Observer.Observe(progress.Snapshot(state, settings.Evaluators));
        }
    }

    private void Broken(string what, Exception cause) => settings.Ended.TrySetException(new CoinException(
        $"The journal {Path.Combine(settings.RunFolder, RunPaths.Journal)} cannot be {what}: {cause.GetBaseException().Message} " +
        "Free space on the disk or mend its permissions, then resume the run.", cause));

    /// <summary>Asks the supervisor to stop the run at a resumable point.</summary>
    internal sealed class Stop
    {
        public static readonly Stop Instance = new();
    }

    private sealed class Begin
    {
        public static readonly Begin Instance = new();
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
