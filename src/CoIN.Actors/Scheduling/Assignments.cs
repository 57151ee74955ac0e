using Akka.Actor;
using Akka.Event;
using CoIN.Actors.Protocol;
using CoIN.Benchmark.Runs;
using static CoIN.Actors.Protocol.WorkProtocol;

namespace CoIN.Actors.Scheduling;

/// <summary>
/// The part of a supervisor that gives out work: what is offered, who may begin it and with which options, and what is told again or taken
/// back. Used by the supervisor alone, in whose name it speaks.
/// </summary>
internal sealed class Assignments
{
    private readonly SupervisorSettings settings;
    private readonly ILoggingAdapter log;
    private readonly WorkInHand inHand = new();
    private readonly Setbacks setbacks = new();
    private readonly KeyedOptions options = new();
    private readonly Teams teams;
    private long takenUp;
    private long turns;
    private bool withdrawn;

    public Assignments(SupervisorSettings settings, ILoggingAdapter log)
    {
        (this.settings, this.log) = (settings, log);
        teams = new Teams(inHand, settings.Trainers, log);
    }

    public WorkInHand InHand => inHand;

    /// <summary>The judges that failed.</summary>
    public JudgeFaults Faults { get; set; } = JudgeFaults.None;

    /// <summary>Whether there is a number by which turns can be told from those of supervisors before.</summary>
    public bool IsTakenUp => takenUp > 0;

    /// <param name="number">As in <see cref="Turn.Of"/>.</param>
    public void TakeUp(long number) => takenUp = number;

    /// <summary>What was begun under a supervisor before this one, as the journal has it.</summary>
    public void Inherit(RunState state)
    {
        foreach (var begun in settings.IsShared ? state.Begun.Values : [])
        {
            setbacks.Inherited(new TrainStage(begun.Stage, null, null), StepOf(begun.Stage, state), begun.Restarts);
        }
    }

    /// <summary>A worker begins a turn.</summary>
    /// <returns>What is to be written of it, and why the run ends by it; null for nothing.</returns>
    public (RunEvent? Happened, string? Fault) Begins(MayBegin asked, RunState state)
    {
        if (!settings.IsShared || inHand.ItemOf(asked.Turn) is not TrainStage { Team: not { Rank: > 0 } } stage)
        {
            return default;
        }

        var step = StepOf(stage.Stage, state);
        var fault = setbacks.Begins(stage, step, state.Options.MaxRestarts, () => WorkersAtWork.Doing(stage, state), asked.GoesOn);
        return (asked.GoesOn ? null : new StageBegun(stage.Stage, setbacks.Times(stage, step)), fault);
    }

    /// <summary>Gives a turn, or one for each of a team, to each piece of work, and offers them.</summary>
    public void Offer(IEnumerable<WorkItem> items, RunState state)
    {
        var given = items
            .SelectMany(item => teams.Turns(Turn.Of(settings.RunId, takenUp, ++turns), item, state.Options.Training.WorldSize))
            .ToList();
        given.ForEach(one => inHand.Add(one.Turn, one.Item));
        TellScheduler(given, state);
    }

    /// <summary>Tells the scheduler that the run has a supervisor, and what was given before it is void.</summary>
    /// <param name="stillDriven">Whether the run's end is still to come: after it nothing is said.</param>
    public void Supervise(bool stillDriven)
    {
        if (stillDriven)
        {
            settings.Scheduler.Tell(new Supervises(Turn.Of(settings.RunId, takenUp, 0)));
        }
    }

    /// <summary>Says again what may have been lost on its way: offers to the scheduler, and to workers that they may go on.</summary>
    /// <param name="stillDriven">As in <see cref="Supervise"/>.</param>
    public void Remind(RunState state, bool stillDriven)
    {
        TellScheduler(inHand.Offered, state);
        Supervise(stillDriven);
        foreach (var (turn, worker) in inHand.Begun)
        {
            teams.Tell(turn, worker);
        }
    }

    /// <summary>A worker asks with which options a turn is to be done.</summary>
    public void Asked(WhichOptions asked, IActorRef worker, RunState state)
    {
        if (inHand.ItemOf(asked.Turn) is { } item)
        {
            var (key, own) = options.For(item, state);
            worker.Tell(new OptionsOf(asked.Turn, key, own));
        }
        else
        {
            worker.Tell(new Refused(asked.Turn));
        }
    }

    /// <summary>A worker asks to begin a turn, or to go on with it.</summary>
    /// <returns>Whether it may.</returns>
    public bool Asked(MayBegin asked, IActorRef worker)
    {
        if (!inHand.Claim(asked.Turn, worker))
        {
            worker.Tell(new Refused(asked.Turn));
            return false;
        }

        teams.Tell(asked.Turn, worker);
        return true;
    }

    /// <summary>
    /// A worker has a turn of the supervisor before this one. It is let go where the work is not offered any more: its end is in the
    /// journal already, or the run has no use for it.
    /// </summary>
    /// <param name="awaited">What another run may be computing, and this one if not.</param>
    public void Inherited(StillHas message, IActorRef worker, IEnumerable<WorkItem> awaited)
    {
        if (
            IsTakenUp
            && inHand.ItemOf(message.Turn, worker) is null
            && !inHand.Items.Concat(awaited).Any(one => one.IsSameWork(message.Item))
        )
        {
            worker.Tell(new Refused(message.Turn));
        }
    }

    /// <summary>A piece of work failed at a worker.</summary>
    /// <param name="means">What it means for the run: by it others are to try, or a judge is asked nothing more for now.</param>
    public void Failed(WorkFailed failed, WorkItem item, IActorRef worker, FailureMeans means)
    {
        switch (means)
        {
            case FailureMeans.AnotherWorker:
                setbacks.TestFailed(item, PathOf(worker), failed.Message);
                log.Warning("A test failed at {Worker} and is given to others: {Message}", worker.Path, failed.Message);
                break;
            case FailureMeans.JudgeRests when item is JudgeCell { Judge: var judge }:
                CloseOffered(judge);
                log.Warning("The judge {Judge} failed and is asked again when the rest is done: {Message}", judge, failed.Message);
                break;
            case FailureMeans.JudgeGivenUp when item is JudgeCell { Judge: var judge }:
                CloseOffered(judge);
                log.Error("Judging by {Judge} failed: {Message}", judge, failed.Message);
                break;
            default:
                log.Error("Work failed: {Message}", failed.Message);
                break;
        }
    }

    /// <summary>A worker has a turn that an idle one would do far sooner: it is taken from it.</summary>
    /// <returns>Whether it had it.</returns>
    public bool TooSlow(TooSlow message, IActorRef worker, RunState state)
    {
        if (inHand.ItemOf(message.Turn, worker) is not { } item)
        {
            return false;
        }

        log.Warning(
            "{Worker} {Work} and needs another {Left:F0} s for it; an idle one needs {Anew:F0} s for all of it, and is given it",
            Named(worker),
            WorkersAtWork.Doing(item, state),
            message.Left,
            message.Anew
        );
        inHand.Close(message.Turn);
        worker.Tell(new Refused(message.Turn));
        return true;
    }

    /// <summary>Why a turn's work cannot be done, where it failed at each worker that there is; null where it has not failed.</summary>
    public string? Hopeless(Turn turn) => setbacks.Hopeless(inHand.Offered.FirstOrDefault(one => one.Turn == turn).Item);

    /// <summary>What came of a piece of work is lost before the journal names it.</summary>
    /// <returns>Why the run ends by it; null where the work is to be done again.</returns>
    public string? ResultLost(WorkItem item, string reason, RunState state)
    {
        var work = WorkersAtWork.Doing(item, state);
        var fault = setbacks.Lost(work, reason);
        if (fault is null)
        {
            log.Warning("What came of the work that {Work} is lost, and it is done again: {Reason}", work, reason);
        }

        return fault;
    }

    /// <summary>A worker, or anybody while it has none, says that a turn is nobody's.</summary>
    /// <returns>Whether it was open.</returns>
    public bool Lost(WorkLost message, IActorRef sender) => Lost(inHand.Lose(message.Turn, sender));

    /// <summary>A worker is gone.</summary>
    /// <returns>Whether it had a turn.</returns>
    public bool Lost(IActorRef worker) => Lost(inHand.Lose(worker));

    /// <summary>A trainer leaves its work because it has lost another one of its team.</summary>
    /// <param name="reason">As it tells.</param>
    public void BrokenOff(Outcome outcome, WorkItem item, IActorRef worker, string reason) =>
        setbacks.BrokenOff(outcome.Turn, item, $"{reason.TrimEnd('.')}, as {Named(worker)} tells");

    /// <summary>Of work that is to be done: why it is not begun again; null where it may be.</summary>
    public string? TooOften(IEnumerable<WorkItem> items, RunState state) =>
        items
            .Select(item =>
                setbacks.TooOften(item, item is TrainStage { Stage: var stage } ? StepOf(stage, state) : 0, state.Options.MaxRestarts, () =>
                    WorkersAtWork.Doing(item, state)
                )
            )
            .FirstOrDefault(fault => fault is not null);

    /// <summary>Ends a turn whose outcome the run has no question about any more.</summary>
    /// <param name="told">What the worker is told.</param>
    public void Close(Outcome outcome, IActorRef worker, IMessage told)
    {
        inHand.Close(outcome.Turn);
        worker.Tell(told);
        if (outcome is not SharesTrained)
        {
            teams.BreakUp(outcome.Turn);
        }
    }

    /// <inheritdoc cref="Teams.Opened"/>
    public void Opened(LinksOpened message) => teams.Opened(message);

    /// <inheritdoc cref="Teams.GiveUpHalf"/>
    /// <returns>Whether there was one.</returns>
    public bool GiveUpHalf()
    {
        if (teams.GiveUpHalf() is not var (turn, item))
        {
            return false;
        }

        setbacks.BrokenOff(turn, item, "some of its trainers did not begin");
        return true;
    }

    /// <inheritdoc cref="Teams.Fewer"/>
    public bool Fewer(TooFewTrainers message, RunState state) => teams.Fewer(message, state.Options.Training);

    /// <inheritdoc cref="Teams.StageEnded"/>
    public void StageEnded() => teams.StageEnded();

    /// <summary>The scheduler has forgotten the run's offers.</summary>
    public void Withdrawn() => withdrawn = true;

    /// <summary>Takes back what is offered, and asks those who work to stop at the next resumable point.</summary>
    public void Withdraw()
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

    /// <summary>What would fail in the same way, after as many tries, is not begun.</summary>
    private void CloseOffered(string judge) => inHand.CloseOffered(one => one is JudgeCell other && other.Judge == judge);

    private bool Lost(IReadOnlyList<LostWork> lost)
    {
        teams.Lost([.. lost.Select(one => one.Turn)]);
        foreach (var (turn, item, worker) in lost)
        {
            // What nobody had begun is none the worse for it.
            if (worker is not null)
            {
                setbacks.BrokenOff(turn, item, $"its worker {Named(worker)} was lost");
            }
        }

        return lost.Count > 0;
    }

    private static int StepOf(int stage, RunState state) => state.Checkpoints.GetValueOrDefault(stage)?.Step ?? 0;

    private static string Named(IActorRef worker) => $"{worker.Path.Name} at {WorkersAtWork.HostOf(worker)}";

    private void TellScheduler(IEnumerable<(Turn Turn, WorkItem Item)> turns, RunState state)
    {
        foreach (var (turn, item) in Teams.Offers(turns))
        {
            settings.Scheduler.Tell(
                new Offer(turn, settings.RunFolder, null, item)
                {
                    OptionsKey = options.For(item, state).Key,
                    Priority = state.Options.Priority,
                    Not = setbacks.Not(item),
                }
            );
        }
    }
}
