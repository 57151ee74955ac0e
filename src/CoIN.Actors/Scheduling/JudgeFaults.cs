using System.Collections.Immutable;
using CoIN.Benchmark.Runs;

namespace CoIN.Actors.Scheduling;

/// <summary>
/// The judges that failed since the run was taken up. One rests while there is work for others, has one more chance when nothing but
/// judgements is left, and is then given up.
/// </summary>
internal sealed class JudgeFaults
{
    private readonly ImmutableSortedDictionary<string, Fault> faults;

    private JudgeFaults(ImmutableSortedDictionary<string, Fault> faults) => this.faults = faults;

    public static JudgeFaults None { get; } = new(ImmutableSortedDictionary<string, Fault>.Empty.WithComparers(StringComparer.Ordinal));

    /// <summary>What the journal is told at the run's end of each judge that was given up.</summary>
    public IEnumerable<RunEvent> GivenUp =>
        faults.Where(pair => pair.Value.GivenUp).Select(pair => new JudgingFailed(pair.Key, pair.Value.Message));

    public bool IsGivenUp(string judge) => faults.TryGetValue(judge, out var fault) && fault.GivenUp;

    /// <summary>These faults and one more, by which the judge is given up where nothing else is left or it was given up before.</summary>
    public JudgeFaults With(string judge, string message, bool nothingElseLeft) =>
        new(faults.SetItem(judge, new Fault(message, nothingElseLeft || IsGivenUp(judge))));

    /// <summary>
    /// The faults that still count, given what the run lacks: where that is nothing but judgements, whoever rested gets another chance.
    /// </summary>
    public JudgeFaults At(IReadOnlyList<WorkItem> pending) =>
        pending.All(item => item is JudgeCell)
            ? new(faults.RemoveRange(faults.Where(pair => !pair.Value.GivenUp).Select(pair => pair.Key)))
            : this;

    /// <summary>What can be begun of what a run lacks.</summary>
    public IEnumerable<WorkItem> Possible(IReadOnlyList<WorkItem> pending) =>
        pending.Where(item => item is not JudgeCell cell || !faults.ContainsKey(cell.Judge));

    private sealed record Fault(string Message, bool GivenUp);
}
