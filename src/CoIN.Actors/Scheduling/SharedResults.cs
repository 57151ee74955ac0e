using Akka.Actor;
using CoIN.Benchmark.Runs;

namespace CoIN.Actors.Scheduling;

/// <summary>
/// What the runs of an experiment have in common: a result that several of them need is computed by one, and the others take it over.
/// Supervisors ask before they offer work; the first to ask gets it, the others wait until it is there, or until that one is gone and the
/// next in line gets it.
/// </summary>
internal sealed class SharedResults : ReceiveActor
{
    private readonly Dictionary<string, Entry> entries = new(StringComparer.Ordinal);

    /// <param name="made">What the runs have already.</param>
    /// <param name="begun">Keys of what a run has begun, with its id: it goes on with that itself.</param>
    public SharedResults(IEnumerable<Made> made, IEnumerable<(string Key, string RunId)> begun)
    {
        foreach (var one in made)
        {
            Of(one.Key).Made ??= one;
        }

        foreach (var (key, runId) in begun)
        {
            Of(key).Owner ??= runId;
        }

        Receive<Claim>(Claimed);
        Receive<Made>(Finished);
        Receive<Gone>(gone => Left(gone.RunId));
    }

    private Entry Of(string key) => entries.TryGetValue(key, out var entry) ? entry : entries[key] = new Entry();

    private void Claimed(Claim claim)
    {
        var entry = Of(claim.Key);
        if (entry.Made is { } made)
        {
            Sender.Tell(made.RunId == claim.RunId ? new Yours(claim.Key) : made);
        }
        else if (entry.Owner is null || entry.Owner == claim.RunId)
        {
            entry.Owner = claim.RunId;
            Sender.Tell(new Yours(claim.Key));
        }
        else if (!entry.Waiting.Exists(one => one.RunId == claim.RunId))
        {
            entry.Waiting.Add((claim.RunId, Sender));
        }
    }

    private void Finished(Made made)
    {
        var entry = Of(made.Key);
        if (entry.Made is null)
        {
            entry.Made = made;
            entry.Waiting.ForEach(one => one.Supervisor.Tell(made));
            entry.Waiting.Clear();
        }
    }

    private void Left(string runId)
    {
        foreach (var (key, entry) in entries)
        {
            entry.Waiting.RemoveAll(one => one.RunId == runId);
            if (entry.Made is null && entry.Owner == runId)
            {
                entry.Owner = null;
                if (entry.Waiting is [var next, ..])
                {
                    entry.Waiting.RemoveAt(0);
                    entry.Owner = next.RunId;
                    next.Supervisor.Tell(new Yours(key));
                }
            }
        }
    }

    /// <summary>Supervisor: I need this.</summary>
    internal sealed record Claim(string Key, string RunId);

    /// <summary>To a supervisor: compute it.</summary>
    internal sealed record Yours(string Key);

    /// <summary>A result that is there: from the supervisor whose run computed it, and to those who wait for it.</summary>
    /// <param name="BaseModelSha256">Of the base model with which it was computed.</param>
    /// <param name="Result">A <see cref="StageTrained"/> or <see cref="CellScored"/> of that run.</param>
    internal sealed record Made(string Key, string RunId, string RunFolder, string BaseModelSha256, RunEvent Result)
    {
        /// <summary>Everything that a run has and could share.</summary>
        /// <param name="program">The program's version.</param>
        public static IEnumerable<Made> Of(RunState state, string runFolder, string program) =>
            state.BaseModelSha256 is not { } model
                ? []
                : state
                    .Trained.Values.Select(trained =>
                        (Key: (string?)ContentKeys.OfStage(state, trained.Stage, program), Result: (RunEvent)trained)
                    )
                    .Concat(
                        state.Cells.Values.Select(cell =>
                            (Key: ContentKeys.OfCell(state, cell.Stage, cell.Task, program), Result: (RunEvent)cell)
                        )
                    )
                    .Where(one => one.Key is not null)
                    .Select(one => new Made(one.Key!, state.Started!.RunId, runFolder, model, one.Result));

        /// <summary>Keys of what a run has begun and not ended.</summary>
        public static IEnumerable<string> Begun(RunState state, string program) =>
            state
                .Checkpoints.Keys.Select(stage => (string?)ContentKeys.OfStage(state, stage, program))
                .Concat(
                    state
                        .Shards.Keys.Select(shard => (shard.Stage, shard.Task))
                        .Distinct()
                        .Select(cell => ContentKeys.OfCell(state, cell.Stage, cell.Task, program))
                )
                .OfType<string>();
    }

    /// <summary>Supervisor: I end, whatever I have not finished is somebody else's.</summary>
    internal sealed record Gone(string RunId);

    private sealed class Entry
    {
        public Made? Made { get; set; }

        public string? Owner { get; set; }

        public List<(string RunId, IActorRef Supervisor)> Waiting { get; } = [];
    }
}
