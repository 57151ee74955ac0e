using System.Runtime.ExceptionServices;
using Akka.Actor;
using Akka.Event;
using CoIN.Actors.Runs;
using CoIN.Benchmark;
using static CoIN.Actors.Work.WorkProtocol;

namespace CoIN.Actors.Work;

/// <summary>
/// What trainers, evaluators and judges have in common: they make themselves known to the scheduler, do one work item at a time in small steps that they send themselves, and
/// answer a request to stop between two steps. Native calls may block the worker's own thread as long as they like.
/// </summary>
internal abstract class Worker : ReceiveActor, IWithTimers, IWithUnboundedStash
{
    private static readonly TimeSpan RegisterEvery = TimeSpan.FromSeconds(2);

    private readonly IActorRef scheduler;
    private readonly Register self;
    private bool working;
    private int number;

    protected Worker(IActorRef scheduler, Skill skill, string device)
    {
        this.scheduler = scheduler;
        self = new Register(skill, device);
        Log = Context.GetLogger();
        Idle();
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public IStash Stash { get; set; } = null!;

    /// <summary>The item in work.</summary>
    protected Assignment Current { get; private set; } = null!;

    /// <summary>Who gave it.</summary>
    protected IActorRef Supervisor { get; private set; } = ActorRefs.Nobody;

    /// <summary>Knows the run and, while there is an item, its stage and task.</summary>
    protected ILoggingAdapter Log { get; private set; }

    protected string Device => self.Device;

    protected override void PreStart()
    {
        Timers.StartPeriodicTimer("register", MakeKnown.Instance, TimeSpan.Zero, RegisterEvery);
        base.PreStart();
    }

    protected override void PostStop()
    {
        if (working)
        {
            Supervisor.Tell(new WorkFailed(Current.Item, $"The worker {Self.Path} ended in the middle of its work; the log says why."));
        }

        Close();
        base.PostStop();
    }

    /// <summary>Opens what the current item needs.</summary>
    protected abstract void Open();

    /// <summary>Does one step of the current item.</summary>
    /// <returns>Whether there is more to do.</returns>
    protected abstract bool Step();

    /// <summary>What the next step has to wait for without blocking the thread; null for nothing.</summary>
    protected virtual Task? Awaited => null;

    /// <summary>Leaves the current item at a point from which it can be taken up again.</summary>
    protected abstract void Leave();

    /// <summary>Closes what <see cref="Open"/> opened; called after every item, however it ended.</summary>
    protected abstract void Close();

    /// <summary>Stage and task of an item, for the log.</summary>
    protected abstract (int Stage, string Task) Subject(Assignment assignment);

    protected string PathOf(string relative) => InnerPath.Of(Current.RunFolder, relative);

    private void Idle()
    {
        Receive<MakeKnown>(_ => scheduler.Tell(self));
        Receive<Registered>(_ => { });
        Receive<Continue>(_ => { });
        Receive<Faulted>(_ => { });
        Receive<StopWork>(_ => { });
        Receive<Assignment>(assignment =>
        {
            Current = assignment;
            Supervisor = Sender;
            working = true;
            number++;
            Become(Working);
            Guarded(() =>
            {
                var (stage, task) = Subject(assignment);
                Log = Context.GetLogger().WithContext("RunId", assignment.RunId).WithContext("Stage", stage).WithContext("Task", task);
                Open();
                Self.Tell(new Continue(number));
            });
        });
    }

    private void Working()
    {
        Receive<MakeKnown>(_ => scheduler.Tell(self));
        Receive<Registered>(_ => { });
        Receive<Assignment>(assignment =>
        {
            // A scheduler that has moved may offer again what is in work here; anything else waits.
            if (assignment.Item != Current.Item)
            {
                Stash.Stash();
            }
        });
        Receive<StopWork>(stop => stop.RunId == Current.RunId, _ => Guarded(() =>
        {
            Leave();
            Supervisor.Tell(new WorkStopped(Current.Item));
            Finish();
        }));
        Receive<StopWork>(_ => { });
        Receive<Continue>(next => next.Number == number, _ => Guarded(() =>
        {
            if (Step())
            {
                GoOn(Awaited ?? Task.CompletedTask);
            }
            else
            {
                Finish();
            }
        }));
        Receive<Faulted>(fault => fault.Number == number, fault => Guarded(() => ExceptionDispatchInfo.Throw(fault.Cause)));

        // What an item that was left had been waiting for.
        Receive<Continue>(_ => { });
        Receive<Faulted>(_ => { });
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
            awaited.PipeTo(Self, Self, () => new Continue(current), cause => new Faulted(current, cause is AggregateException several ? several.GetBaseException() : cause));
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
            Fail(e.Message);
        }
        catch (Exception e)
        {
            Log.Error(e, "Unexpected fault");
            Fail($"{e.GetType().Name} in {self.Skill.ToString().ToLowerInvariant()} work on {Device}: {e.Message.Split('\n')[0]}");
        }
    }

    private void Fail(string message)
    {
        Supervisor.Tell(new WorkFailed(Current.Item, message));
        Finish(failed: true);
    }

    private void Finish(bool? failed = null)
    {
        Close();
        working = false;
        scheduler.Tell(new Free(failed));
        Become(Idle);
        Stash.UnstashAll();
    }

    private sealed class MakeKnown
    {
        public static readonly MakeKnown Instance = new();
    }

    /// <param name="Number">Of the item that it belongs to.</param>
    private sealed record Continue(int Number);

    private sealed record Faulted(int Number, Exception Cause);
}
