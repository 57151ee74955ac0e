using Akka.Actor;
using Akka.Persistence;
using CoIN.Actors.Protocol;
using CoIN.Benchmark.Runs;

namespace CoIN.Speed.Scheduling;

/// <summary>What actors of a kind did with messages of a kind.</summary>
internal sealed class Handled
{
    public long Count { get; set; }

    /// <summary>Of the processor.</summary>
    public double Seconds { get; set; }

    public double Microseconds => 1e6 * Seconds / Count;
}

/// <summary>Messages of a kind on the wire, or events of a kind in journals.</summary>
internal sealed class Written
{
    private long sampled;
    private long bytes;

    public long Count { get; private set; }

    /// <summary>Bytes of all, by the mean of those that were written for it.</summary>
    public double Bytes => sampled == 0 ? 0 : (double)bytes / sampled * Count;

    /// <summary>Writes the first ones, and some of the others: writing takes longer than everything else here.</summary>
    public void Add(object value)
    {
        if (++Count <= 500 || Count % 64 == 0)
        {
            (sampled, bytes) = (sampled + 1, bytes + WireFormat.Write(value).Length);
        }
    }
}

/// <summary>
/// An actor as one that has a processor to itself: it needs for each message as long as was measured, and what comes meanwhile waits.
/// </summary>
internal sealed class Queue
{
    private double free;

    /// <summary>Longest time from a message's coming to the end of its handling, in seconds.</summary>
    public double Longest { get; private set; }

    /// <summary>Seconds in which it had something to do.</summary>
    public double Busy { get; private set; }

    public void Took(double at, double seconds)
    {
        free = Math.Max(at, free) + seconds;
        Busy += seconds;
        Longest = Math.Max(Longest, free - at);
    }
}

/// <summary>Measures what actors do, message by message.</summary>
internal sealed class Meter(VirtualClock clock)
{
    public Dictionary<(string Actor, string Kind), Handled> Work { get; } = [];

    public Dictionary<string, Written> Messages { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, Written> Events { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, List<Queue>> Queues { get; } = new(StringComparer.Ordinal);

    /// <summary>A new actor.</summary>
    public Queue Queue(string actor)
    {
        var queue = new Queue();
        if (!Queues.TryGetValue(actor, out var all))
        {
            Queues[actor] = all = [];
        }

        all.Add(queue);
        return queue;
    }

    /// <summary>Lets an actor handle a message.</summary>
    public bool Measure(string actor, Queue queue, object message, Func<bool> handle)
    {
        var at = clock.Elapsed.TotalSeconds;
        var began = ProcessorTime.Now();
        var done = handle();
        var seconds = ProcessorTime.Now() - began;
        queue.Took(at, seconds);
        var kind = KindOf(message);
        if (!Work.TryGetValue((actor, kind), out var work))
        {
            Work[(actor, kind)] = work = new Handled();
        }

        (work.Count, work.Seconds) = (work.Count + 1, work.Seconds + seconds);
        if (message is WorkProtocol.IMessage)
        {
            Add(Messages, kind, message);
        }
        else if (message is WriteMessageSuccess { Persistent.Payload: IRunEvent happened })
        {
            Add(Events, WireFormat.Manifest(happened), happened);
        }

        return done;
    }

    private static string KindOf(object message) =>
        message switch
        {
            WorkProtocol.IMessage => WireFormat.Manifest(message),
            WriteMessageSuccess { Persistent.Payload: IRunEvent happened } => WireFormat.Manifest(happened),
            Terminated => "terminated",
            _ when message.GetType().Name == "TimerMsg" => "timer",
            _ => message.GetType().Name,
        };

    private static void Add(Dictionary<string, Written> all, string kind, object value)
    {
        if (!all.TryGetValue(kind, out var written))
        {
            all[kind] = written = new Written();
        }

        written.Add(value);
    }
}
