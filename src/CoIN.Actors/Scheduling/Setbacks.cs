using CoIN.Benchmark.Runs;

namespace CoIN.Actors.Scheduling;

/// <summary>
/// What went wrong with pieces of work since the run was taken up, so that it is tried again elsewhere, but not for ever.
/// </summary>
internal sealed class Setbacks
{
    /// <summary>What is lost so often is no accident.</summary>
    private const int MostLosses = 3;

    private readonly Dictionary<WorkItem, (List<string> Workers, string Message)> failedTests = [];
    private readonly Dictionary<string, int> losses = new(StringComparer.Ordinal);

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
}
