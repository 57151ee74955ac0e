using CoIN.Benchmark;
using CoIN.Benchmark.Runs;

namespace CoIN.Actors.Scheduling;

/// <summary>What a supervisor knows of work that its run has in common with others: what it may do itself, and what it waits for.</summary>
/// <param name="program">The program's version.</param>
internal sealed class SharedWork(string program)
{
    private readonly HashSet<string> own = new(StringComparer.Ordinal);
    private readonly List<(string Key, WorkItem Item)> awaited = [];
    private readonly Dictionary<(int Stage, int Task), string> keys = [];

    /// <summary>Items that are neither offered nor done, as another run may compute them.</summary>
    public IEnumerable<WorkItem> Awaited => awaited.Select(one => one.Item);

    /// <summary>Whether an item is to be offered; where it is not, it is awaited from now on.</summary>
    /// <param name="claim">Is told the key that has to be claimed first.</param>
    public bool MayOffer(RunState state, WorkItem item, Action<string> claim)
    {
        if (KeyOf(state, item) is not { } key || own.Contains(key))
        {
            return true;
        }

        var known = awaited.Exists(one => one.Key == key);
        awaited.Add((key, item));
        if (!known)
        {
            claim(key);
        }

        return false;
    }

    /// <summary>This run computes it.</summary>
    public void Own(string key)
    {
        own.Add(key);
        Ended(key);
    }

    /// <summary>It need not be waited for any more.</summary>
    public void Ended(string key) => awaited.RemoveAll(one => one.Key == key);

    /// <summary>Stage and task of an awaited key (task -1 for a training); null where it is not awaited.</summary>
    public (int Stage, int Task)? Place(string key) =>
        awaited.Where(one => one.Key == key).Select(one => PlaceOf(one.Item)).FirstOrDefault();

    /// <summary>Copies what another run has computed into a run's folder, beside the actor's own work.</summary>
    /// <returns>The event to write.</returns>
    /// <exception cref="CoinException">The files are not as that run's journal says.</exception>
    public static Task<RunEvent> CopyAsync(SharedResults.Made made, (int Stage, int Task) place, string runFolder, RunState state)
    {
        var (name, from) = (place.Task < 0 ? "" : state.TaskNames[place.Task], new ResultSource(made.RunId, made.Key));
        return Task.Run(() =>
            made.Result switch
            {
                StageTrained trained => (RunEvent)TakeOver.Stage(made.RunFolder, trained, from, runFolder),
                CellScored cell => TakeOver.Cell(made.RunFolder, cell, from, runFolder, place.Stage, place.Task, name),
                var other => throw new InvalidOperationException($"{other.GetType().Name} is no result that runs share"),
            }
        );
    }

    /// <summary>The key of a result that this run computed itself; null where nobody else could want it.</summary>
    public string? KeyOf(RunState state, RunEvent result) =>
        result switch
        {
            StageTrained { TakenFrom: null } trained => Key(state, (trained.Stage, -1)),
            CellScored { TakenFrom: null } cell => Key(state, (cell.Stage, cell.Task)),
            _ => null,
        };

    private string? KeyOf(RunState state, WorkItem item) => PlaceOf(item) is { } place ? Key(state, place) : null;

    private static (int Stage, int Task)? PlaceOf(WorkItem item) =>
        item switch
        {
            TrainStage train => (train.Stage, -1),
            AnswerShard shard => (shard.Stage, shard.Task),
            ScoreCell cell => (cell.Stage, cell.Task),
            _ => null,
        };

    private string? Key(RunState state, (int Stage, int Task) place)
    {
        if (
            !keys.TryGetValue(place, out var key)
            && (
                place.Task < 0
                    ? ContentKeys.OfStage(state, place.Stage, program)
                    : ContentKeys.OfCell(state, place.Stage, place.Task, program)
            )
                is { } found
        )
        {
            keys[place] = key = found;
        }

        return key;
    }
}
