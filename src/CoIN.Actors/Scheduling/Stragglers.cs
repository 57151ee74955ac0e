using Akka.Actor;
using CoIN.Actors.Protocol;
using CoIN.Benchmark.Runs;
using static CoIN.Actors.Protocol.WorkProtocol;
using Given = CoIN.Actors.Scheduling.Scheduler.Given;

namespace CoIN.Actors.Scheduling;

/// <summary>
/// Which evaluators are far slower than others: by how many samples of a test's part they have answered in which time, beside the parts of
/// the same test that others have finished. Time is measured here, from what workers say, and stands still while this process does.
/// </summary>
internal sealed class Stragglers
{
    /// <summary>How often to look.</summary>
    public static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(5);

    /// <summary>How long a worker that was too slow is passed over.</summary>
    public static readonly TimeSpan PassedOver = TimeSpan.FromMinutes(10);

    /// <summary>
    /// What is still to be done there must take so many times as long as all of it elsewhere; twice as many times for each time that the
    /// same part was taken from somebody: it may be the part that takes long.
    /// </summary>
    private const double Times = 2;

    /// <summary>As many where only tests of the same task after other stages were finished: answers may have become longer since.</summary>
    private const double TimesByOtherStages = 16;

    // One look may fall into a bad moment.
    private const int LooksToBeSure = 2;
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(15);

    private readonly Dictionary<IActorRef, Part> parts = [];
    private readonly Dictionary<(string RunId, int Task), Dictionary<int, Dictionary<IActorRef, Finished>>> finished = [];
    private readonly Dictionary<string, Dictionary<IActorRef, TimeSpan>> openings = new(StringComparer.Ordinal);
    private readonly Dictionary<(string RunId, object Work), int> taken = [];
    private readonly Dictionary<IActorRef, TimeSpan> passedOver = [];
    private TimeSpan passed;
    private DateTimeOffset looked;

    public Stragglers(DateTimeOffset now) => looked = now;

    /// <summary>Those from whom something was taken, and who have not let it go yet.</summary>
    public IEnumerable<Straggler> Taken => parts.Values.Select(part => part.Taken).OfType<Straggler>();

    /// <summary>A worker has something in hand.</summary>
    /// <param name="whole">Whether it begins now, and not before somebody looked.</param>
    public void Given(IActorRef worker, Given given, bool whole, DateTimeOffset now)
    {
        parts.Remove(worker);
        if (given.Item is AnswerShard shard)
        {
            parts[worker] = new Part(shard, Clock(now), whole) { Given = given };
        }
    }

    /// <summary>What a worker has in hand has another turn from now on.</summary>
    public void Inherited(IActorRef worker, Given given)
    {
        if (parts.GetValueOrDefault(worker) is { } part)
        {
            part.Given = given;
        }
    }

    /// <summary>A worker says how far it has come with a turn.</summary>
    public void Heard(IActorRef worker, Register register, DateTimeOffset now)
    {
        if (parts.GetValueOrDefault(worker) is not { } part || register.Turn != part.Given.Turn)
        {
            return;
        }

        (part.Answered, part.Of) = (register.Answered, register.Of);
        if (part.Answered > 0 && part.First is null)
        {
            part.First = Clock(now);
            if (part.IsWhole)
            {
                Opened(part.Given.Turn.RunId, worker, part.First.Value - part.Began);
            }
        }
    }

    /// <summary>A worker is free, or gone.</summary>
    /// <param name="register">What it says of what it did last; null where it is gone.</param>
    public void Ended(IActorRef worker, Register? register, DateTimeOffset now)
    {
        if (register is null)
        {
            passedOver.Remove(worker);
        }

        if (
            !parts.Remove(worker, out var part)
            || !part.IsWhole
            || register is not { Of: > 0 }
            || register.Answered != register.Of
            || register.Last != part.Given.Turn
        )
        {
            return;
        }

        var (run, shard) = (part.Given.Turn.RunId, part.Shard);
        if (!finished.TryGetValue((run, shard.Task), out var stages))
        {
            finished[(run, shard.Task)] = stages = [];
        }

        if (!stages.TryGetValue(shard.Stage, out var workers))
        {
            stages[shard.Stage] = workers = [];
        }

        var own = new Finished((Clock(now) - part.Began).TotalSeconds / register.Of, register.Of);
        workers[worker] = own;
        taken.Remove(part.Given.Key);
        if (passedOver.ContainsKey(worker) && Elsewhere(worker, part) is var (others, times) && own.Pace <= others.Pace * times)
        {
            // It has recovered.
            passedOver[worker] = TimeSpan.Zero;
        }
    }

    /// <summary>Nobody drives a run any more.</summary>
    public void Forget(string runId)
    {
        openings.Remove(runId);
        foreach (var key in finished.Keys.Where(key => key.RunId == runId).ToList())
        {
            finished.Remove(key);
        }

        foreach (var key in taken.Keys.Where(key => key.RunId == runId).ToList())
        {
            taken.Remove(key);
        }
    }

    /// <summary>Whether a worker was too slow at a turn, so that another is to do it.</summary>
    public bool IsTaken(IActorRef worker, Turn turn) =>
        parts.GetValueOrDefault(worker) is { Taken: not null } part && part.Given.Turn == turn;

    /// <summary>Time goes on. To be called every <see cref="LookEvery"/>.</summary>
    /// <returns>Workers that are not passed over any more.</returns>
    public IReadOnlyList<IActorRef> Look(DateTimeOffset now)
    {
        (passed, looked) = (Clock(now), now);
        var again = passedOver.Where(pair => pair.Value <= passed).Select(pair => pair.Key).ToList();
        again.ForEach(worker => passedOver.Remove(worker));
        return again;
    }

    /// <summary>Those who hold a part much longer than another would do it anew, the slowest first, as they did at some looks.</summary>
    public IReadOnlyList<Straggler> Found() =>
        [
            .. parts
                .Select(pair => Judged(pair.Key, pair.Value))
                .OfType<Straggler>()
                .OrderByDescending(one => one.Left)
                .ThenBy(one => PathOf(one.Worker), StringComparer.Ordinal),
        ];

    /// <summary>A worker's part is to be another's.</summary>
    public void Take(Straggler straggler)
    {
        var part = parts[straggler.Worker];
        part.Taken = straggler;
        taken[part.Given.Key] = taken.GetValueOrDefault(part.Given.Key) + 1;
        passedOver[straggler.Worker] = passed + PassedOver;
    }

    private Straggler? Judged(IActorRef worker, Part part)
    {
        if (part.Taken is not null || Elsewhere(worker, part) is not var (others, times))
        {
            return null;
        }

        var anew = TimeSpan.FromSeconds(others.Pace * (part.Of > 0 ? part.Of : others.Of)) + Opening(worker, part);

        // Of a part of which nothing was answered yet no more is known than that it takes so long again.
        var left = part.First is { } first ? (passed - first) * ((part.Of - part.Answered) / (double)part.Answered) : passed - part.Began;
        part.Looks = left > (anew * times * Math.Pow(2, taken.GetValueOrDefault(part.Given.Key))) + Grace ? part.Looks + 1 : 0;
        return part.Looks < LooksToBeSure ? null : new Straggler(worker, part.Given, left, anew, left / anew);
    }

    /// <summary>
    /// A part that another finished, the middle one of them by its pace, and how many times as long is too long. Null where there is none.
    /// </summary>
    private (Finished Other, double Times)? Elsewhere(IActorRef worker, Part part)
    {
        if (!finished.TryGetValue((part.Given.Turn.RunId, part.Shard.Task), out var stages))
        {
            return null;
        }

        List<Finished> Others(IEnumerable<Dictionary<IActorRef, Finished>> tests) =>
            [.. tests.SelectMany(test => test.Where(pair => !pair.Key.Equals(worker)).Select(pair => pair.Value)).OrderBy(one => one.Pace)];
        var same = Others(stages.TryGetValue(part.Shard.Stage, out var test) ? [test] : []);
        var all = same.Count > 0 ? same : Others(stages.Values);
        return all.Count == 0 ? null : (all[all.Count / 2], same.Count > 0 ? Times : TimesByOtherStages);
    }

    /// <summary>How long others needed until they had answered something, at the longest for each: the middle one of them.</summary>
    private TimeSpan Opening(IActorRef worker, Part part)
    {
        var others = openings
            .GetValueOrDefault(part.Given.Turn.RunId, [])
            .Where(pair => !pair.Key.Equals(worker))
            .Select(pair => pair.Value)
            .Order()
            .ToList();
        return others.Count == 0 ? TimeSpan.Zero : others[others.Count / 2];
    }

    private void Opened(string runId, IActorRef worker, TimeSpan took)
    {
        if (!openings.TryGetValue(runId, out var workers))
        {
            openings[runId] = workers = [];
        }

        workers[worker] = took > workers.GetValueOrDefault(worker) ? took : workers[worker];
    }

    /// <summary>What has passed while somebody looked: neither a clock that was set nor a process that stood still counts.</summary>
    private TimeSpan Clock(DateTimeOffset now)
    {
        var since = now - looked;
        return passed
            + (
                since < TimeSpan.Zero ? TimeSpan.Zero
                : since > 2 * LookEvery ? 2 * LookEvery
                : since
            );
    }

    /// <summary>A part of a test in an evaluator's hands.</summary>
    /// <param name="whole">Whether its beginning was seen.</param>
    private sealed class Part(AnswerShard shard, TimeSpan began, bool whole)
    {
        public AnswerShard Shard => shard;

        public TimeSpan Began => began;

        public bool IsWhole => whole;

        public required Given Given { get; set; }

        /// <summary>When samples were answered for the first time.</summary>
        public TimeSpan? First { get; set; }

        public int Answered { get; set; }

        /// <summary>0 where it is not known.</summary>
        public int Of { get; set; }

        /// <summary>Looks in a row at which it was too slow.</summary>
        public int Looks { get; set; }

        /// <summary>Why it is to be another's; null where it is not.</summary>
        public Straggler? Taken { get; set; }
    }

    /// <summary>A part of a test that was finished.</summary>
    /// <param name="Pace">Seconds a sample, from when it was given.</param>
    /// <param name="Of">Samples.</param>
    private sealed record Finished(double Pace, int Of);
}

/// <summary>An evaluator that is far slower than others.</summary>
/// <param name="Left">What it still needs, at least.</param>
/// <param name="Anew">What another needs for all of it.</param>
/// <param name="TimesSlower">How many times as long.</param>
internal sealed record Straggler(IActorRef Worker, Given Given, TimeSpan Left, TimeSpan Anew, double TimesSlower);
