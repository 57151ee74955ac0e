using Akka.Actor;
using Akka.Configuration;
using Akka.Dispatch;
using Akka.Event;

namespace CoIN.Speed.Scheduling;

/// <summary>
/// Akka's scheduler in virtual time: the clock stands still while actors have messages, and then goes on to the next thing that is due.
/// What is due at the same time happens in the order in which it was asked for.
/// </summary>
internal sealed class VirtualClock(Config config, ILoggingAdapter log) : SchedulerBase(config, log)
{
    private readonly PriorityQueue<Action, (long At, long Number)> due = new();
    private readonly Lock adding = new();
    private TimeSpan now;
    private long number;

    /// <summary>Since the simulation began.</summary>
    public TimeSpan Elapsed => now;

    public override TimeSpan MonotonicClock => now;

    public override TimeSpan HighResMonotonicClock => now;

    protected override DateTimeOffset TimeNow => DateTimeOffset.UnixEpoch + now;

    /// <summary>Goes on to what is due next, and does it.</summary>
    /// <returns>Whether there was anything.</returns>
    public bool Next()
    {
        Action? action;
        lock (adding)
        {
            if (!due.TryDequeue(out action, out var when))
            {
                return false;
            }

            now = TimeSpan.FromTicks(when.At);
        }

        action();
        return true;
    }

    /// <summary>Does something after a while.</summary>
    public void After(TimeSpan delay, Action action)
    {
        lock (adding)
        {
            due.Enqueue(action, ((now + delay).Ticks, ++number));
        }
    }

    protected override void InternalScheduleTellOnce(
        TimeSpan delay,
        ICanTell receiver,
        object message,
        IActorRef sender,
        ICancelable cancelable
    ) => Once(delay, () => receiver.Tell(message, sender), cancelable);

    protected override void InternalScheduleTellRepeatedly(
        TimeSpan initialDelay,
        TimeSpan interval,
        ICanTell receiver,
        object message,
        IActorRef sender,
        ICancelable cancelable
    ) => Repeatedly(initialDelay, interval, () => receiver.Tell(message, sender), cancelable);

    protected override void InternalScheduleOnce(TimeSpan delay, Action action, ICancelable cancelable) => Once(delay, action, cancelable);

    protected override void InternalScheduleOnce(TimeSpan delay, IRunnable action, ICancelable cancelable) =>
        Once(delay, action.Run, cancelable);

    protected override void InternalScheduleRepeatedly(TimeSpan initialDelay, TimeSpan interval, Action action, ICancelable cancelable) =>
        Repeatedly(initialDelay, interval, action, cancelable);

    protected override void InternalScheduleRepeatedly(
        TimeSpan initialDelay,
        TimeSpan interval,
        IRunnable action,
        ICancelable cancelable
    ) => Repeatedly(initialDelay, interval, action.Run, cancelable);

    private void Once(TimeSpan delay, Action action, ICancelable? cancelable) => After(delay, () =>
        {
            if (cancelable?.IsCancellationRequested != true)
            {
                action();
            }
        });

    private void Repeatedly(TimeSpan delay, TimeSpan interval, Action action, ICancelable? cancelable) => After(delay, () =>
        {
            if (cancelable?.IsCancellationRequested != true)
            {
                Repeatedly(interval, interval, action, cancelable);
                action();
            }
        });
}
