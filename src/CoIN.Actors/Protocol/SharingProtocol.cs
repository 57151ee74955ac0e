using CoIN.Benchmark.Runs;
using Newtonsoft.Json;
using static CoIN.Actors.Protocol.WorkProtocol;

namespace CoIN.Actors.Protocol;

/// <summary>
/// What supervisors and the keeper of the results that runs share say to each other, so that what several runs need is computed by one.
/// </summary>
/// <remarks>
/// Any message may come late, twice or never, and either side may end and begin anew: claims and results are said again until they are
/// answered. At worst something is computed twice.
/// </remarks>
internal static class SharingProtocol
{
    /// <summary>Supervisor: I need this. Answered by <see cref="Yours"/> or <see cref="Made"/>, at once or later.</summary>
    /// <param name="Key">As <see cref="ContentKeys"/> has it.</param>
    public sealed record Claim(string Key, string RunId) : IMessage
    {
        /// <summary>The experiment whose runs may have it in their journals; null where these need not be looked at.</summary>
        public string? Experiment { get; init; }

        /// <summary>Whether the run has a part of it already.</summary>
        public bool Begun { get; init; }

        /// <summary>The run whose result could not be had, so that this one computes it itself; null otherwise.</summary>
        public string? Not { get; init; }
    }

    /// <summary>To a supervisor: compute it.</summary>
    public sealed record Yours(string Key) : IMessage;

    /// <summary>Supervisor: here I am, and this is what I compute. Said again and again.</summary>
    public sealed record Holds(string RunId, IReadOnlyList<string> Keys) : IMessage;

    /// <summary>To a supervisor that said what it holds: somebody listens.</summary>
    public sealed record Heard : IMessage;

    /// <summary>A result that is there: from the supervisor whose run computed it, and to those who wait for it.</summary>
    /// <param name="RunFolder">Absolute, where the run is driven; on other nodes its name alone says something.</param>
    /// <param name="BaseModelSha256">Of the base model with which it was computed.</param>
    /// <param name="Stage">The result, where it is a training; null otherwise.</param>
    /// <param name="Cell">The result, where it is a test; null otherwise.</param>
    public sealed record Made(string Key, string RunId, string RunFolder, string BaseModelSha256, StageTrained? Stage, CellScored? Cell)
        : IMessage
    {
        [JsonIgnore]
        public RunEvent Result => (RunEvent?)Stage ?? Cell!;

        /// <param name="result">A <see cref="StageTrained"/> or <see cref="CellScored"/>.</param>
        public static Made By(string key, string runId, string runFolder, string baseModelSha256, RunEvent result) =>
            new(key, runId, runFolder, baseModelSha256, result as StageTrained, result as CellScored);

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
                    .Select(one => By(one.Key!, state.Started!.RunId, runFolder, model, one.Result));

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

    /// <summary>To a supervisor: its result is known.</summary>
    public sealed record Noted(string Key) : IMessage;

    /// <summary>Supervisor: the run ends, whatever it has not finished is somebody else's.</summary>
    public sealed record Gone(string RunId) : IMessage;
}
