using CoIN.Actors.Protocol;
using CoIN.Benchmark.Runs;

namespace CoIN.Actors.Scheduling;

/// <summary>
/// What went wrong with pieces of work since the run was taken up, so that it is tried again elsewhere, but not for ever. How often a stage
/// broke off is in a cluster's journals too: what it breaks off by may take the supervisor with it.
/// </summary>
internal sealed class Setbacks
{
    /// <summary>What is lost so often is no accident.</summary>
    private const int MostLosses = 3;

    private readonly Dictionary<WorkItem, (List<string> Workers, string Message)> failedTests = [];
    private readonly Dictionary<string, int> losses = new(StringComparer.Ordinal);
    private readonly Dictionary<object, Restarts> restarts = [];

    /// <summary>A test failed at an evaluator: it may be the evaluator that is sick, and not the test.</summary>
    public void TestFailed(WorkItem test, string worker, string message)
    {
        var workers = failedTests.TryGetValue(test, out var before) ? before.Workers : [];
        workers.Add(worker);
        failedTests[test] = (workers, message);
    }

    /// <summary>Workers at which a test failed; null for none.</summary>
    public IReadOnlyList<string>? Not(WorkItem test) => failedTests.TryGetValue(test, out var failed) ? failed.Workers.ToList() : null;

    /// <summary>Why a test cannot be done, where nobody else is left to try it; null where it has not failed.</summary>
    public string? Hopeless(WorkItem? test) =>
        test is null || !failedTests.TryGetValue(test, out var failed) ? null
        : failed.Workers.Count == 1 ? failed.Message
        : FormattableString.Invariant($"At each of {failed.Workers.Count} evaluators a test failed: {failed.Message}");

    /// <summary>A piece of work has broken off: its worker is gone, or has lost those with whom it does it.</summary>
    /// <param name="turn">A team's counts once: what is told of it first.</param>
    /// <param name="reason">What happened, and where.</param>
    public void BrokenOff(Turn turn, WorkItem item, string reason)
    {
        var before = restarts.GetValueOrDefault(item.Key());
        if (before is null || !turn.IsOfSameTeam(before.Last))
        {
            restarts[item.Key()] = (before ?? new Restarts(-1, 0)) with { Last = turn, Reason = reason };
        }
    }

    /// <summary>
    /// A piece of work is about to be begun: not again where it has broken off too often since it came further.
    /// </summary>
    /// <param name="step">How far the journal knows it: steps of a stage's last checkpoint; 0 for other work.</param>
    /// <param name="most">As <see cref="Benchmark.Experiments.ExperimentOptions.MaxRestarts"/>.</param>
    /// <param name="work">The piece in words.</param>
    /// <returns>Why the run ends by it; null where it may be begun.</returns>
    public string? TooOften(WorkItem item, int step, int most, Func<string> work)
    {
        if (restarts.GetValueOrDefault(item.Key()) is not { Reason: { } reason } before)
        {
            return null;
        }

        var now = new Restarts(Math.Max(step, before.Furthest), step > before.Furthest ? 1 : before.Times + 1) { Last = before.Last };
        restarts[item.Key()] = now;
        return now.Times <= most
            ? null
            : FormattableString.Invariant($"The work that {work()} broke off {now.Times} times in a row")
                + (item is TrainStage ? FormattableString.Invariant($" since step {now.Furthest}: {reason}. ") : $": {reason}. ")
                + (
                    item is TrainStage
                        ? "Where trainers end again and again, more checkpoints help (training.checkpoint-every); hosts that train a stage "
                            + "together (training.world-size) need TCP connections with each other at their coin.node.link-port. "
                        : ""
                )
                + FormattableString.Invariant(
                    $"The log of that host says more: mend it, and resume the run. Allowed are coin.max-restarts = {most} in a row."
                );
    }

    /// <summary>A supervisor before this one had a piece of work begun, and it did not end: whoever did it may be gone too.</summary>
    /// <param name="step">As in <see cref="TooOften"/>.</param>
    /// <param name="times">How many times in a row it had broken off by then.</param>
    public void Inherited(WorkItem item, int step, int times) => restarts[item.Key()] = new Restarts(step, times) { IsInherited = true };

    /// <summary>A worker begins a piece of work.</summary>
    /// <param name="goesOn">Whether a supervisor before this one had let it begin: then nothing broke off.</param>
    /// <returns>As <see cref="TooOften"/>.</returns>
    public string? Begins(WorkItem item, int step, int most, Func<string> work, bool goesOn)
    {
        if (restarts.GetValueOrDefault(item.Key()) is not { IsInherited: true } before)
        {
            return null;
        }

        restarts[item.Key()] = before with
        {
            IsInherited = false,
            Reason = goesOn ? null : "its worker and the run's supervisor were lost together",
        };
        return TooOften(item, step, most, work);
    }

    /// <summary>How many times in a row a piece of work has broken off.</summary>
    /// <param name="step">As in <see cref="TooOften"/>.</param>
    public int Times(WorkItem item, int step) =>
        restarts.GetValueOrDefault(item.Key()) is { } known && step <= known.Furthest ? known.Times : 0;

    /// <summary>What came of a piece of work was lost before the journal named it.</summary>
    /// <param name="work">In words.</param>
    /// <returns>Why the run ends by it; null where the work is to be done again.</returns>
    public string? Lost(string work, string reason)
    {
        losses[work] = losses.GetValueOrDefault(work) + 1;
        return losses[work] < MostLosses
            ? null
            : FormattableString.Invariant($"{MostLosses} times what came of the work that {work} was lost: {reason}");
    }

    /// <summary>How a piece of work fares that has broken off.</summary>
    /// <param name="Furthest">Steps of the last checkpoint that it has had; -1 at first.</param>
    /// <param name="Times">Since then.</param>
    private sealed record Restarts(int Furthest, int Times)
    {
        public Turn Last { get; init; } = Turn.None;

        /// <summary>Whether a supervisor before this one had it begun, and nobody has said yet that it goes on.</summary>
        public bool IsInherited { get; init; }

        /// <summary>Null where the last time has been counted.</summary>
        public string? Reason { get; init; }
    }
}
