using Akka.Actor;
using CoIN.Benchmark.Runs;
using static CoIN.Actors.Protocol.WorkProtocol;
using Given = CoIN.Actors.Scheduling.Scheduler.Given;

namespace CoIN.Actors.Scheduling;

/// <summary>
/// What waits for workers, in the order in which it was offered: found by what it is, by kind and run, and by the adapter that it tests.
/// </summary>
internal sealed class WaitingWork
{
    private static readonly Comparer<Entry> ByNumber = Comparer<Entry>.Create((one, other) => one.Number.CompareTo(other.Number));

    private readonly Dictionary<(string RunId, object Work), Entry> all = [];
    private readonly Dictionary<Skill, Dictionary<string, SortedSet<Entry>>> runs = Enum.GetValues<Skill>()
        .ToDictionary(skill => skill, _ => new Dictionary<string, SortedSet<Entry>>(StringComparer.Ordinal));
    private readonly Dictionary<(string RunId, int Stage), SortedSet<Entry>> tests = [];
    private long offered;
    private int failed;

    /// <summary>What it waits for.</summary>
    public static Skill SkillFor(WorkItem item) =>
        item switch
        {
            TrainStage => Skill.Train,
            JudgeCell => Skill.Judge,
            _ => Skill.Evaluate,
        };

    /// <summary>Grows when something comes or goes.</summary>
    public long Changes { get; private set; }

    /// <summary>Runs of which something waits.</summary>
    public IEnumerable<string> RunIds => runs.Values.SelectMany(kind => kind.Keys);

    public bool Any(Skill skill) => runs[skill].Count > 0;

    public int Count(Skill skill) => runs[skill].Values.Sum(queue => queue.Count);

    /// <summary>Whether there is something that failed elsewhere.</summary>
    public bool AnyFailed => failed > 0;

    /// <summary>The same work, as it waits; null where it does not.</summary>
    public Given? Find(Given given) => all.GetValueOrDefault(given.Key)?.Given;

    /// <summary>Adds what is last from now on.</summary>
    public void Add(Given given) => Put(new Entry(++offered, given));

    /// <summary>Puts a newer offer of the same work in the place of the one that waits.</summary>
    public void Replace(Given given)
    {
        var number = all[given.Key].Number;
        Remove(given);
        Put(new Entry(number, given));
    }

    /// <summary>Removes the work, in whatever turn it waits.</summary>
    public void Remove(Given given)
    {
        if (!all.Remove(given.Key, out var entry))
        {
            return;
        }

        Changes++;
        failed -= entry.Given.HasFailed ? 1 : 0;
        var kind = runs[SkillFor(entry.Given.Item)];
        var queue = kind[given.Turn.RunId];
        queue.Remove(entry);
        if (queue.Count == 0)
        {
            kind.Remove(given.Turn.RunId);
        }

        if (entry.Given.Stage is { } stage && tests[(given.Turn.RunId, stage)] is var same && same.Remove(entry) && same.Count == 0)
        {
            tests.Remove((given.Turn.RunId, stage));
        }
    }

    /// <summary>Forgets what a run has offered.</summary>
    public void RemoveOf(string runId) => RemoveAll(given => given.Turn.RunId == runId);

    /// <summary>Forgets what a supervisor has offered.</summary>
    public void RemoveOf(IActorRef supervisor) => RemoveAll(given => supervisor.Equals(given.Supervisor));

    /// <summary>The first of each run that may be done.</summary>
    public IEnumerable<Entry> Firsts(Skill skill, Func<Given, bool> may) =>
        runs[skill].Values.Select(queue => First(queue, may)).OfType<Entry>();

    /// <summary>The first test of an adapter that may be done; null where there is none.</summary>
    public Given? FirstTest(string runId, int stage, Func<Given, bool> may) =>
        tests.TryGetValue((runId, stage), out var queue) ? First(queue, may)?.Given : null;

    private static Entry? First(SortedSet<Entry> queue, Func<Given, bool> may) =>
        queue.Min is { } first && may(first.Given) ? first : queue.FirstOrDefault(entry => may(entry.Given));

    private void RemoveAll(Func<Given, bool> which)
    {
        foreach (var given in all.Values.Select(entry => entry.Given).Where(which).ToList())
        {
            Remove(given);
        }
    }

    private void Put(Entry entry)
    {
        var given = entry.Given;
        Changes++;
        failed += given.HasFailed ? 1 : 0;
        all.Add(given.Key, entry);
        Queue(runs[SkillFor(given.Item)], given.Turn.RunId).Add(entry);
        if (given.Stage is { } stage)
        {
            Queue(tests, (given.Turn.RunId, stage)).Add(entry);
        }
    }

    private static SortedSet<Entry> Queue<TKey>(Dictionary<TKey, SortedSet<Entry>> queues, TKey key)
        where TKey : notnull
    {
        if (!queues.TryGetValue(key, out var queue))
        {
            queues[key] = queue = new SortedSet<Entry>(ByNumber);
        }

        return queue;
    }

    /// <param name="Number">Grows from offer to offer.</param>
    internal sealed record Entry(long Number, Given Given);
}
