using Akka.Actor;
using Akka.Event;
using CoIN.Benchmark.Runs;
using static CoIN.Actors.Protocol.SharingProtocol;

namespace CoIN.Actors.Scheduling;

/// <summary>
/// The part of a supervisor that has to do with work that its run has in common with others: what it may do itself, what it waits for, and
/// what it tells them. Used by the supervisor alone, in whose name it speaks; a run by itself shares nothing.
/// </summary>
/// <param name="now">The time.</param>
internal sealed class SharedWork(SupervisorSettings settings, ILoggingAdapter log, Func<DateTimeOffset> now)
{
    /// <summary>How long a run waits while nobody says what other runs compute; then it computes all by itself.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private readonly HashSet<string> own = new(StringComparer.Ordinal);
    private readonly List<(string Key, WorkItem Item)> awaited = [];
    private readonly Dictionary<(int Stage, int Task), string> keys = [];

    // What is being copied, and what nobody has said to know.
    private readonly HashSet<string> taking = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Made> unnoted = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource stop = new();
    private DateTimeOffset heard = now();

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
    public bool TakeOver(Made made, RunState state, IActorRef self)
    {
        heard = now();
        if (PlaceOf(made) is not { } place || taking.Contains(made.Key))
        {
            return true;
        }

        if (RunDecisions.OfTakenOver(made.Result, made.BaseModelSha256, state) is null)
        {
            Own(made.Key);
            return false;
        }

        taking.Add(made.Key);
        var name = place.Task < 0 ? "" : state.TaskNames[place.Task];
        Task.Run(async () =>
            {
                var here = settings.Bring is { } bring ? await bring(made, stop.Token).ConfigureAwait(false) : made;
                return new TakenOver(here, Copy(here, settings.RunFolder, place.Stage, place.Task, name), null);
            })
            .PipeTo(self, self, taken => taken, fault => new TakenOver(made, null, fault.GetBaseException().Message));
        return true;
    }

    /// <summary>Copies a result of another run into a run's folder.</summary>
    /// <param name="stage">Of the run that takes it over.</param>
    /// <param name="task">Of a test: its 0-based place in that run's order.</param>
    /// <param name="name">Of a test: its task's name.</param>
    /// <exception cref="CoIN.Benchmark.CoinException">Its files are not as the other's journal says.</exception>
    public static RunEvent Copy(Made made, string runFolder, int stage, int task, string name)
    {
        var from = new ResultSource(made.RunId, made.Key);
        return made.Result switch
        {
            StageTrained trained => Benchmark.Runs.TakeOver.Stage(made.RunFolder, trained, from, runFolder),
            CellScored cell => Benchmark.Runs.TakeOver.Cell(made.RunFolder, cell, from, runFolder, stage, task, name),
            var other => throw new InvalidOperationException($"{other.GetType().Name} is no result that runs share"),
        };
    }

    /// <summary>The events to write of a result that was copied; null where this run has to compute it itself.</summary>
    public IReadOnlyList<RunEvent>? EventsOf(TakenOver taken, RunState state)
    {
        var made = taken.Made;
        taking.Remove(made.Key);
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
        if (taken.Fault is not null)
        {
            // Others are not to try in vain.
            settings.Shared?.Tell(new Claim(made.Key, settings.RunId) { Experiment = Experiment, Not = made.RunId });
        }

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
            unnoted[key] = Made.By(key, settings.RunId, settings.RunFolder, model, result);
            shared.Tell(unnoted[key]);
        }
    }

    /// <summary>It is known that a result is there.</summary>
    public void Noted(string key) => unnoted.Remove(key);

    /// <summary>Somebody says what other runs compute.</summary>
    public void Heard() => heard = now();

    /// <summary>Says again what has no answer, and what this run computes.</summary>
    /// <param name="inHand">What is offered or being done.</param>
    /// <returns>Whether nobody has listened for so long that all may be offered.</returns>
    public bool Remind(IEnumerable<WorkItem> inHand, RunState state)
    {
        if (settings.Shared is not { } shared)
        {
            return false;
        }

        foreach (var made in unnoted.Values)
        {
            shared.Tell(made);
        }

        var waiting = awaited.Select(one => one.Key).Distinct().Where(key => !taking.Contains(key)).ToList();
        if (waiting.Count > 0 && now() - heard > Patience)
        {
            log.Warning("Nobody has said for {Seconds:F0} s what other runs compute: this one computes it itself", Patience.TotalSeconds);
            waiting.ForEach(Own);
            return true;
        }

        shared.Tell(
            new Holds(settings.RunId, [.. inHand.Select(item => KeyOf(state, item)).OfType<string>().Where(own.Contains).Distinct()])
        );
        waiting.ForEach(key => ClaimIt(key, awaited.First(one => one.Key == key).Item, state));
        return false;
    }

    /// <summary>The run ends: what it has not finished is somebody else's.</summary>
    public void Leave() => settings.Shared?.Tell(new Gone(settings.RunId));

    /// <summary>The supervisor ends.</summary>
    public void Stop() => stop.Cancel();

    private string? Experiment => settings.Start.Experiment?.Id;

    private void ClaimIt(string key, WorkItem item, RunState state) =>
        settings.Shared!.Tell(
            new Claim(key, settings.RunId)
            {
                Experiment = Experiment,
                Begun =
                    PlaceOf(item) is var (stage, task)
                    && (
                        task < 0
                            ? state.Checkpoints.ContainsKey(stage)
                            : state.Shards.Keys.Any(shard => (shard.Stage, shard.Task) == (stage, task))
                    ),
            }
        );

    /// <summary>It need not be waited for any more.</summary>
    private void Ended(string key) => awaited.RemoveAll(one => one.Key == key);

    private bool MayOffer(WorkItem item, RunState state)
    {
        if (KeyOf(state, item) is not { } key || own.Contains(key))
        {
            return true;
        }

        if (awaited.Count == 0)
        {
            heard = now();
        }

        var known = awaited.Exists(one => one.Key == key);
        awaited.Add((key, item));
        if (!known)
        {
            ClaimIt(key, item, state);
        }

        return false;
    }

    /// <summary>Stage and task of an awaited result (task -1 for a training); null where it is not awaited.</summary>
    private (int Stage, int Task)? PlaceOf(Made made) =>
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
    internal sealed record TakenOver(Made Made, RunEvent? Result, string? Fault);
}
