using Akka.Actor;
using Akka.Event;
using CoIN.Benchmark.Runs;

namespace CoIN.Actors.Scheduling;

/// <summary>
/// The part of a supervisor that has to do with work that its run has in common with others: what it may do itself, what it waits for, and
/// what it tells them. Used by the supervisor alone, in whose name it speaks; a run by itself shares nothing.
/// </summary>
internal sealed class SharedWork(SupervisorSettings settings, ILoggingAdapter log)
{
    private readonly HashSet<string> own = new(StringComparer.Ordinal);
    private readonly List<(string Key, WorkItem Item)> awaited = [];
    private readonly Dictionary<(int Stage, int Task), string> keys = [];

    /// <summary>Items that are neither offered nor done, as another run may compute them.</summary>
    public IEnumerable<WorkItem> Awaited => awaited.Select(one => one.Item);

    /// <summary>The items that may be offered; the others are claimed, and awaited from now on.</summary>
    public IReadOnlyList<WorkItem> MayOffer(IReadOnlyList<WorkItem> items, RunState state) =>
        settings.Shared is null ? items : [.. items.Where(item => MayOffer(item, state))];

    /// <summary>This run computes it.</summary>
    public void Own(string key)
    {
        own.Add(key);
        Ended(key);
    }

    /// <summary>Another run has computed what this one may need: its files are copied beside the actor's own work.</summary>
    /// <param name="self">The supervisor: is told <see cref="TakenOver"/>.</param>
    /// <returns>False where this run has to compute it itself, the other having another base model.</returns>
    public bool TakeOver(SharedResults.Made made, RunState state, IActorRef self)
    {
        if (PlaceOf(made) is not { } place)
        {
            return true;
        }

        if (RunDecisions.OfTakenOver(made.Result, made.BaseModelSha256, state) is null)
        {
            Own(made.Key);
            return false;
        }

        var (name, from) = (place.Task < 0 ? "" : state.TaskNames[place.Task], new ResultSource(made.RunId, made.Key));
        Task.Run(() =>
                made.Result switch
                {
                    StageTrained trained => (RunEvent)Benchmark.Runs.TakeOver.Stage(made.RunFolder, trained, from, settings.RunFolder),
                    CellScored cell => Benchmark.Runs.TakeOver.Cell(
                        made.RunFolder,
                        cell,
                        from,
                        settings.RunFolder,
                        place.Stage,
                        place.Task,
                        name
                    ),
                    var other => throw new InvalidOperationException($"{other.GetType().Name} is no result that runs share"),
                }
            )
            .PipeTo(
                self,
                self,
                result => new TakenOver(made, result, null),
                fault => new TakenOver(made, null, fault.GetBaseException().Message)
            );
        return true;
    }

    /// <summary>The events to write of a result that was copied; null where this run has to compute it itself.</summary>
    public IReadOnlyList<RunEvent>? EventsOf(TakenOver taken, RunState state)
    {
        var made = taken.Made;
        if (taken.Result is { } result && RunDecisions.OfTakenOver(result, made.BaseModelSha256, state) is { } events)
        {
            return events;
        }

        log.Warning(
            "What {Other} computed cannot be taken over, and is computed again: {Reason}",
            made.RunId,
            taken.Fault ?? "it has another base model"
        );
        Own(made.Key);
        return null;
    }

    /// <summary>A result that was taken over is in the journal.</summary>
    public void Ended(TakenOver taken)
    {
        Ended(taken.Made.Key);
        log.Info(
            taken.Result is StageTrained trained
                ? $"Stage {trained.Stage} is the same as that of {{Other}}: taken over"
                : "A test is the same as that of {Other}: taken over",
            taken.Made.RunId
        );
    }

    /// <summary>Tells the other runs what is there.</summary>
    public void Publish(RunEvent result, RunState state)
    {
        if (settings.Shared is { } shared && state.BaseModelSha256 is { } model && KeyOf(state, result) is { } key)
        {
            shared.Tell(new SharedResults.Made(key, settings.RunId, settings.RunFolder, model, result));
        }
    }

    /// <summary>The run ends: what it has not finished is somebody else's.</summary>
    public void Leave() => settings.Shared?.Tell(new SharedResults.Gone(settings.RunId));

    /// <summary>It need not be waited for any more.</summary>
    private void Ended(string key) => awaited.RemoveAll(one => one.Key == key);

    private bool MayOffer(WorkItem item, RunState state)
    {
        if (KeyOf(state, item) is not { } key || own.Contains(key))
        {
            return true;
        }

        var known = awaited.Exists(one => one.Key == key);
        awaited.Add((key, item));
        if (!known)
        {
            settings.Shared!.Tell(new SharedResults.Claim(key, settings.RunId));
        }

        return false;
    }

    /// <summary>Stage and task of an awaited result (task -1 for a training); null where it is not awaited.</summary>
    private (int Stage, int Task)? PlaceOf(SharedResults.Made made) =>
        awaited.Where(one => one.Key == made.Key).Select(one => PlaceOf(one.Item)).FirstOrDefault();

    /// <summary>The key of a result that this run computed itself; null where nobody else could want it.</summary>
    private string? KeyOf(RunState state, RunEvent result) =>
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
                    ? ContentKeys.OfStage(state, place.Stage, settings.Program)
                    : ContentKeys.OfCell(state, place.Stage, place.Task, settings.Program)
            )
                is { } found
        )
        {
            keys[place] = key = found;
        }

        return key;
    }

    /// <summary>To the supervisor: what another run has computed is in this one's folder, or cannot be had.</summary>
    /// <param name="Result">Its event; null where the files could not be had.</param>
    /// <param name="Fault">Why not; null where they could.</param>
    internal sealed record TakenOver(SharedResults.Made Made, RunEvent? Result, string? Fault);
}
