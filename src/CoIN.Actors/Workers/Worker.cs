using System.Runtime.ExceptionServices;
using Akka.Actor;
using Akka.Event;
using CoIN.Actors.Protocol;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Learning;
using CoIN.Benchmark.Reports;
using CoIN.Benchmark.Runs;
using static CoIN.Actors.Protocol.WorkProtocol;

namespace CoIN.Actors.Workers;

/// <summary>
/// What trainers, evaluators and judges have in common: they say again and again who they are and what they do, begin nothing that the
/// supervisor has not let them begin, do one work item at a time in small steps that they send themselves, answer a request to stop between
/// two steps, and tell how it ended until that is acknowledged. Native calls may block the worker's own thread as long as they like.
/// </summary>
internal abstract class Worker : ReceiveActor, IWithTimers
{
    /// <summary>
    /// How long an answer, or another supervisor in the place of a lost one, is waited for: a cluster needs half a minute to move one.
    /// </summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    // A worker may serve a cluster for weeks.
    private const int MostOptions = 100;

    private readonly IActorRef scheduler;
    private readonly Skill skill;

    // A turn's starting point holds for its beginning only: one that was begun here is never begun again.
    private readonly HashSet<Turn> begun = [];

    // Options of runs by their keys: they are asked for once.
    private readonly Dictionary<string, ExperimentOptions> options = new(StringComparer.Ordinal);
    private Phase phase;
    private Turn? last;
    private (Assignment Assignment, IActorRef Supervisor)? heir;
    private Outcome? outcome;
    private DateTimeOffset? waitingSince;
    private bool draining;
    private int number;
    private (int Answered, int Of) progress;

    protected Worker(IActorRef scheduler, Skill skill, string device)
    {
        (this.scheduler, this.skill, Device) = (scheduler, skill, device);
        Log = Context.GetLogger();
        Receive<Repeat>(_ => Again());
        Receive<Assignment>(Assigned);
        Receive<SayItem>(asked =>
        {
            if (phase != Phase.Free && Current.Turn == asked.Turn)
            {
                Register();
            }
        });
        Receive<OptionsOf>(Told);
        Receive<Begin>(begin => Begun(begin.Turn));
        Receive<Refused>(refused => RefusedTo(refused.Turn));
        Receive<StopWork>(stop => Stop(stop.Turn));
        Receive<Acknowledged>(acknowledged =>
        {
            if (phase == Phase.Delivering && acknowledged.Turn == Current.Turn)
            {
                Settled(outcome!);
                Finish();
            }
        });
        Receive<Kept>(kept =>
        {
            if (phase == Phase.Working && kept.Turn == Current.Turn)
            {
                CheckpointKept(kept.Folder);
            }
        });
        Receive<Meet>(meet =>
        {
            if (phase == Phase.Working && Current.Turn == meet.Turn)
            {
                Met(meet.Address);
            }
        });
        Receive<Drain>(drain => DrainOff(drain.Forsaken));
        Receive<Continue>(next => Go(next.Number));
        Receive<Faulted>(fault =>
        {
            if (phase == Phase.Working && fault.Number == number)
            {
                Guarded(() => ExceptionDispatchInfo.Throw(fault.Cause));
            }
        });
        Receive<Terminated>(gone =>
        {
            if (phase == Phase.Asking && gone.ActorRef.Equals(Supervisor))
            {
                // Nothing was begun: another run may need this worker, and a supervisor that comes back offers the work again.
                Abandon(leave: false);
            }
            else if (phase != Phase.Free && gone.ActorRef.Equals(Supervisor))
            {
                waitingSince ??= Now;
            }
        });
    }

    private enum Phase
    {
        Free,

        /// <summary>The supervisor has not yet said that this worker may begin.</summary>
        Asking,

        Working,

        /// <summary>It is done with; the supervisor has not yet acknowledged how it ended.</summary>
        Delivering,
    }

    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>The item in work.</summary>
    protected Assignment Current { get; private set; } = null!;

    /// <summary>Knows the run and, while there is an item, its stage and task.</summary>
    protected ILoggingAdapter Log { get; private set; }

    protected string Device { get; }

    /// <summary>Where this worker's results are computed, for the journal.</summary>
    protected Computation Computed(int threads) => new(Device, threads, ProductVersion.Current);

    private IActorRef Supervisor { get; set; } = ActorRefs.Nobody;

    protected static DateTimeOffset Now => Context.System.Scheduler.Now;

    protected override void PreStart()
    {
        Timers.StartPeriodicTimer("repeat", Repeat.Instance, TimeSpan.Zero, RepeatEvery);
        base.PreStart();
    }

    /// <summary>A worker that ends in the middle of its work hands it back: faults of the work have been told before.</summary>
    protected override void PostStop()
    {
        if (phase == Phase.Working && HandsBackAtEnd)
        {
            Guarded(() =>
            {
                Leave();
                Deliver(new WorkStopped());
            });
            Tell(outcome!);
        }

        Close();
        base.PostStop();
    }

    /// <summary>Whether a worker that is stopped in the middle of its work leaves it at a resumable point.</summary>
    protected virtual bool HandsBackAtEnd => true;

    /// <summary>Whether workers of other nodes can do what this one cannot.</summary>
    protected virtual bool OthersMayTry => false;

    /// <summary>What is said of a fault that may be this host's alone.</summary>
    protected virtual string Told(string fault) => fault;

    /// <summary>Opens what the current item needs.</summary>
    protected abstract void Open();

    /// <summary>Does one step of the current item; the last one delivers its result.</summary>
    /// <returns>Whether there is more to do.</returns>
    protected abstract bool Step();

    /// <summary>How many samples of the current item are answered, and how many it has; nothing for other work.</summary>
    protected virtual (int Answered, int Of) Counted => default;

    /// <summary>What the next step has to wait for without blocking the thread; null for nothing.</summary>
    protected virtual Task? Awaited => null;

    /// <summary>Leaves the current item at a point from which it can be taken up again.</summary>
    protected abstract void Leave();

    /// <summary>A checkpoint of the current item lies where the supervisor is, and is in the journal.</summary>
    /// <param name="folder">Relative to the run's folder.</param>
    protected virtual void CheckpointKept(string folder) { }

    /// <summary>There is nothing to do; called again and again.</summary>
    protected virtual void Idle() { }

    /// <summary>How the current item ended is in the journal.</summary>
    protected virtual void Settled(Outcome how) { }

    /// <summary>Of work that several do together: there is the first of them.</summary>
    protected virtual void Met(LinkAddress address) { }

    /// <summary>Another supervisor has taken over the current item, and knows nothing of it.</summary>
    protected virtual void Inherited() { }

    /// <summary>The current item was given to another: removes what was written for it and not taken.</summary>
    protected virtual void Disown() { }

    /// <summary>Closes what <see cref="Open"/> opened; called after every item, however it ended.</summary>
    protected abstract void Close();

    /// <summary>Stage and task of an item, for the log.</summary>
    protected abstract (int Stage, string Task) Subject(Assignment assignment);

    /// <summary>Where the current item's run is on this node.</summary>
    protected virtual string RunFolder => Current.RunFolder;

    protected string PathOf(string relative) => InnerPath.Of(RunFolder, relative);

    /// <summary>Tells the supervisor how the current item stands.</summary>
    protected void Tell(WorkReport report) => Supervisor.Tell(report with { Turn = Current.Turn });

    /// <summary>Says how the current item ended; it is told when the step is over.</summary>
    protected void Deliver(Outcome how) => outcome = how;

    private void Again()
    {
        Register(whole: false);
        if (phase == Phase.Asking)
        {
            Ask();
        }
        else if (phase == Phase.Delivering)
        {
            Tell(outcome!);
        }
        else if (phase == Phase.Free)
        {
            Idle();
        }

        if (waitingSince is { } since && Now - since >= Patience)
        {
            // Nothing is lost by it: the work is offered again, and its files are there.
            Log.Warning("Nobody answers for {Turn}; it is left", Current.Turn);
            Abandon(leave: true);
        }
    }

    /// <param name="whole">Whether to say the item too, which the scheduler knows where it gave it.</param>
    private void Register(bool whole = true)
    {
        if (phase == Phase.Working)
        {
            progress = Counted;
        }

        scheduler.Tell(
            (
                phase == Phase.Free
                    ? new Register(skill, Device, Last: last)
                    : new Register(skill, Device, Current.Turn, last, whole ? Current.Item : null)
            ) with
            {
                Answered = progress.Answered,
                Of = progress.Of,
            }
        );
    }

    private void Assigned(Assignment assignment)
    {
        if (phase == Phase.Free && begun.Contains(assignment.Turn))
        {
            last = assignment.Turn;
            Sender.Tell(new WorkLost(assignment.Turn));
            Register();
        }
        else if (phase == Phase.Free)
        {
            Ask(assignment, Sender);
        }
        else if (assignment.Turn.IsAfter(Current.Turn) && assignment.Item.IsSameWork(Current.Item))
        {
            Inherit(assignment);
        }
        else if (assignment.Turn != Current.Turn)
        {
            // The scheduler did not know what is in work here.
            Register();
        }
    }

    /// <summary>The worker's node ends: what is in work is left at a resumable point and handed back, and nothing more is begun.</summary>
    /// <param name="forsaken">Nobody is there to whom it could be handed back.</param>
    private void DrainOff(bool forsaken)
    {
        draining = true;
        if (forsaken && phase != Phase.Free)
        {
            Log.Warning("The cluster goes on without this node, and another does the work; it is left");
            Abandon(leave: false);
        }
        else if (phase == Phase.Working)
        {
            Log.Info("The node ends; the work is handed back");
            Guarded(() =>
            {
                Leave();
                Ended(new WorkStopped());
            });
        }
        else if (phase == Phase.Asking)
        {
            // Another may have it at once.
            Supervisor.Tell(new WorkLost(Current.Turn));
            Finish();
        }
        else if (phase == Phase.Free)
        {
            Context.Stop(Self);
        }
    }

    private void Ask(Assignment assignment, IActorRef supervisor)
    {
        var known = assignment.Options ?? (assignment.OptionsKey is { } key ? options.GetValueOrDefault(key) : null);
        Serve(assignment with { Options = known! }, supervisor);
        (phase, waitingSince, outcome, progress) = (Phase.Asking, Now, null, default);
        Ask();
    }

    private void Ask() => Supervisor.Tell(Current.Options is null ? (IMessage)new WhichOptions(Current.Turn) : new MayBegin(Current.Turn));

    private void Told(OptionsOf told)
    {
        if (options.Count >= MostOptions)
        {
            options.Clear();
        }

        options[told.Key] = told.Options;
        if (phase == Phase.Asking && Current.Turn == told.Turn && Current.Options is null)
        {
            Current = Current with { Options = told.Options };
            Ask();
        }
    }

    /// <summary>A supervisor that was recovered gives the work under way a turn of its own.</summary>
    private void Inherit(Assignment assignment)
    {
        if (phase == Phase.Working || outcome is not (null or WorkStopped or WorkFailed))
        {
            heir = (assignment, Sender);
            Sender.Tell(new MayBegin(assignment.Turn) { GoesOn = true });
        }
        else
        {
            var supervisor = Sender;
            Abandon(leave: false);
            Ask(assignment, supervisor);
        }
    }

    private void Begun(Turn turn)
    {
        if (heir is { } next && next.Assignment.Turn == turn)
        {
            begun.Add(turn);
            Serve(Current with { Turn = turn }, next.Supervisor);
            Inherited();
            waitingSince = phase == Phase.Delivering ? Now : null;
            if (phase == Phase.Delivering)
            {
                Tell(outcome!);
            }
        }
        else if (phase == Phase.Free || Current.Turn != turn)
        {
            Sender.Tell(new WorkLost(turn));
        }
        else if (phase == Phase.Asking && Current.Options is not null)
        {
            (phase, waitingSince) = (Phase.Working, null);
            begun.Add(turn);
            number++;
            Guarded(() =>
            {
                var (stage, task) = Subject(Current);
                Log = Context.GetLogger().WithContext("RunId", turn.RunId).WithContext("Stage", stage).WithContext("Task", task);
                Open();
                Self.Tell(new Continue(number));
            });
        }
    }

    private void Serve(Assignment assignment, IActorRef supervisor)
    {
        if (!Supervisor.Equals(supervisor))
        {
            Context.Unwatch(Supervisor);
            Context.Watch(supervisor);
        }

        (Current, Supervisor, heir) = (assignment, supervisor, null);
    }

    private void RefusedTo(Turn turn)
    {
        if (heir is { } next && next.Assignment.Turn == turn)
        {
            heir = null;
        }
        else if (phase != Phase.Free && Current.Turn == turn)
        {
            if (phase != Phase.Asking)
            {
                Log.Warning("The work is not asked for any more: another has it, or its end is in the journal; it is left");
                Disown();
            }

            Abandon(leave: false);
        }
    }

    private void Stop(Turn turn)
    {
        if (heir is { } next && next.Assignment.Turn == turn)
        {
            Begun(turn);
        }

        if (phase == Phase.Free || Current.Turn != turn)
        {
            Sender.Tell(new WorkLost(turn));
        }
        else if (phase == Phase.Asking)
        {
            Ended(new WorkStopped());
        }
        else if (phase == Phase.Working)
        {
            Guarded(() =>
            {
                Leave();
                Ended(new WorkStopped());
            });
        }
    }

    private void Go(int step)
    {
        if (phase != Phase.Working || step != number)
        {
            // What an item that was left had been waiting for.
            return;
        }

        Guarded(() =>
        {
            if (Step())
            {
                GoOn(Awaited ?? Task.CompletedTask);
            }
            else
            {
                Ended(outcome ?? throw new InvalidOperationException("the last step delivered nothing"));
            }
        });
    }

    private void GoOn(Task awaited)
    {
        var current = number;
        if (awaited.IsCompleted)
        {
            awaited.GetAwaiter().GetResult();
            Self.Tell(new Continue(current));
        }
        else
        {
            awaited.PipeTo(
                Self,
                Self,
                () => new Continue(current),
                cause => new Faulted(current, cause is AggregateException several ? several.GetBaseException() : cause)
            );
        }
    }

    /// <summary>Whatever goes wrong with an item ends that item with a message, not the worker.</summary>
    private void Guarded(Action action)
    {
        try
        {
            action();
        }
        catch (CoinException e)
        {
            Ended(new WorkFailed(Told(e.Message)));
        }
        catch (TrainerLostException e)
        {
            Log.Warning("The work is left at its last full step: {Reason}", e.Message);
            Guarded(() =>
            {
                Leave();
                Ended(new WorkStopped { Reason = e.Leaves ? null : e.Message });
            });
        }
        catch (Exception e) when (OthersMayTry && BrokenDevice.By(e, Device) is { } broken)
        {
            GiveUp(broken);
        }
        catch (Exception e)
        {
            Log.Error(e, "Unexpected fault");
            Ended(
                new WorkFailed($"{e.GetType().Name} in {skill.ToString().ToLowerInvariant()} work on {Device}: {e.Message.Split('\n')[0]}")
            );
        }
    }

    /// <summary>Nothing can be saved, nor anything else be done here: others do the work, and the node ends.</summary>
    private void GiveUp(BrokenDevice broken)
    {
        Log.Error("{Device} cannot be used by this process any more: {Reason}", broken.Device, broken.Reason);
        Context.System.EventStream.Publish(broken);
        try
        {
            Ended(new WorkStopped { Reason = $"{broken.Device} cannot be used any more: {broken.Reason}" });
        }
        catch (Exception e)
        {
            // What is freed on such a device may fail too. The outcome is told again, or the end of this worker.
            Log.Warning("What was in work cannot be closed: {Reason}", e.Message.Split('\n')[0]);
        }
    }

    private void Ended(Outcome how)
    {
        (phase, outcome, waitingSince, progress) = (Phase.Delivering, how, Now, Counted);
        Close();
        Tell(how);
    }

    /// <summary>Goes away from the current item without a word to its supervisor.</summary>
    private void Abandon(bool leave)
    {
        if (phase == Phase.Working)
        {
            if (leave)
            {
                Guarded(Leave);
            }

            Close();
        }

        Finish();
    }

    private void Finish()
    {
        Context.Unwatch(Supervisor);
        (last, Supervisor) = (Current.Turn, ActorRefs.Nobody);
        (phase, outcome, heir, waitingSince) = (Phase.Free, null, null, null);
        if (draining)
        {
            Context.Stop(Self);
        }
        else
        {
            Register();
        }
    }

    /// <summary>Leave what is in work at a resumable point, hand it back and stop.</summary>
    /// <param name="Forsaken">Whether the cluster has given the node up: then its work is another's.</param>
    internal sealed record Drain(bool Forsaken)
    {
        public static readonly Drain Instance = new(Forsaken: false);
    }

    private sealed class Repeat
    {
        public static readonly Repeat Instance = new();
    }

    /// <param name="Number">Of the item that it belongs to.</param>
    private sealed record Continue(int Number);

    private sealed record Faulted(int Number, Exception Cause);
}
