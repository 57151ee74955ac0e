using System.Security.Cryptography;
using CoIN.Actors.Protocol;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Runs;

namespace CoIN.Actors.Scheduling;

/// <summary>
/// A run's options as workers are to have them, each with a key of its content: offers bear the key alone, and a worker asks once for what
/// it stands for.
/// </summary>
internal sealed class KeyedOptions
{
    private const int KeyLength = 32;

    private readonly Dictionary<JudgeOptions, (string Key, ExperimentOptions Options)> ofJudges = [];
    private (string Key, ExperimentOptions Options)? plain;

    /// <summary>The options for a piece of work. A judge is told its own, which may not be those that the run began with.</summary>
    public (string Key, ExperimentOptions Options) For(WorkItem item, RunState state)
    {
        if (item is not JudgeCell cell || !state.Judges.TryGetValue(cell.Judge, out var judge))
        {
            return plain ??= Keyed(state.Options);
        }

        if (!ofJudges.TryGetValue(judge, out var own))
        {
            ofJudges[judge] = own = Keyed(state.Options with { Judge = judge });
        }

        return own;
    }

    private static (string Key, ExperimentOptions Options) Keyed(ExperimentOptions options) =>
        (Convert.ToHexStringLower(SHA256.HashData(WireFormat.Write(options)))[..KeyLength], options);
}
