using Akka.Actor;
using CoIN.Actors.Protocol;
using CoIN.Benchmark.Runs;

namespace CoIN.Actors.Scheduling;

/// <summary>
/// The turns that a supervisor has given and not seen the end of: each belongs to nobody yet, or to the one worker that was let begin.
/// </summary>
internal sealed class WorkInHand
{
    private readonly Dictionary<Turn, Entry> entries = [];

    /// <summary>What is offered or being done.</summary>
    public IReadOnlyList<WorkItem> Items => [.. entries.Values.Select(entry => entry.Item)];

    /// <summary>What nobody has begun.</summary>
    public IEnumerable<(Turn Turn, WorkItem Item)> Offered =>
        entries.Where(pair => pair.Value.Worker is null).Select(pair => (pair.Key, pair.Value.Item));

    /// <summary>What is being done, and by whom.</summary>
    public IEnumerable<(Turn Turn, IActorRef Worker)> Begun =>
        entries.Where(pair => pair.Value.Worker is not null).Select(pair => (pair.Key, pair.Value.Worker!));

    public void Add(Turn turn, WorkItem item) => entries.Add(turn, new Entry(item, null));

    /// <summary>Gives a turn to the first worker that asks for it.</summary>
    /// <returns>Whether it is this worker's.</returns>
    public bool Claim(Turn turn, IActorRef worker)
    {
        if (!entries.TryGetValue(turn, out var entry) || entry.Worker?.Equals(worker) == false)
        {
            return false;
        }

        entries[turn] = entry with { Worker = worker };
        return true;
    }

    /// <summary>The item of a turn, be it offered or begun; null where there is none.</summary>
    public WorkItem? ItemOf(Turn turn) => entries.GetValueOrDefault(turn)?.Item;

    /// <summary>The item of a turn that belongs to a worker; null where it does not.</summary>
    public WorkItem? ItemOf(Turn turn, IActorRef worker) =>
        entries.TryGetValue(turn, out var entry) && worker.Equals(entry.Worker) ? entry.Item : null;

    public void Close(Turn turn) => entries.Remove(turn);

    /// <summary>The other turns of a team, each with its worker, or null while it has none.</summary>
    public IReadOnlyList<(Turn Turn, IActorRef? Worker)> OthersOf(Turn turn) =>
        [.. entries.Where(pair => pair.Key.IsOfSameTeam(turn) && pair.Key != turn).Select(pair => (pair.Key, pair.Value.Worker))];

    /// <summary>Closes a turn of which somebody says that nobody does it: its worker, or anybody while it has none.</summary>
    /// <returns>It, where it was open.</returns>
    public IReadOnlyList<LostWork> Lose(Turn turn, IActorRef sender)
    {
        if (!entries.TryGetValue(turn, out var entry) || entry.Worker?.Equals(sender) == false)
        {
            return [];
        }

        entries.Remove(turn);
        return [new LostWork(turn, entry.Item, entry.Worker)];
    }

    /// <summary>Closes the turns of a worker that is gone.</summary>
    /// <returns>These turns.</returns>
    public IReadOnlyList<LostWork> Lose(IActorRef worker) =>
        [.. Begun.Where(one => one.Worker.Equals(worker)).Select(one => one.Turn).ToList().SelectMany(turn => Lose(turn, worker))];

    /// <summary>Closes what nobody has begun: whoever asks from now on is refused.</summary>
    /// <param name="which">Of which items; null for all.</param>
    public void CloseOffered(Func<WorkItem, bool>? which = null)
    {
        foreach (var (turn, _) in Offered.Where(one => which?.Invoke(one.Item) ?? true).ToList())
        {
            entries.Remove(turn);
        }
    }

    private sealed record Entry(WorkItem Item, IActorRef? Worker);
}

/// <summary>A turn that is closed because nobody does it.</summary>
/// <param name="Worker">Null where nobody had begun it.</param>
internal sealed record LostWork(Turn Turn, WorkItem Item, IActorRef? Worker);
