using CoIN.Benchmark.Runs;

namespace CoIN.Actors.Scheduling;

/// <summary>
/// The judges that failed since the run was taken up. One rests while there is work for others, has one more chance when nothing but judgements is left, and is then given up.
/// </summary>
internal sealed class JudgeFaults
{
    private readonly Dictionary<string, (string Message, bool GivenUp)> faults = new(StringComparer.Ordinal);

    /// <summary>Why each judge that was given up failed.</summary>
    public IEnumerable<(string Judge, string Message)> GivenUp =>
        faults.Where(pair => pair.Value.GivenUp).OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => (pair.Key, pair.Value.Message));

    /// <summary>Takes a fault down.</summary>
    /// <returns>Whether the judge is given up by it.</returns>
    public bool Add(string judge, string message, bool nothingElseLeft)
    {
        var givenUp = nothingElseLeft || (faults.TryGetValue(judge, out var known) && known.GivenUp);
        faults[judge] = (message, givenUp);
        return givenUp;
    }

    /// <summary>What can be begun of what a run lacks.</summary>
    public IReadOnlyList<WorkItem> Possible(IReadOnlyList<WorkItem> pending)
    {
        if (pending.All(item => item is JudgeCell))
        {
            foreach (var (judge, _) in faults.Where(pair => !pair.Value.GivenUp).ToList())
            {
                faults.Remove(judge);
            }
        }

        return faults.Count == 0 ? pending : [.. pending.Where(item => item is not JudgeCell cell || !faults.ContainsKey(cell.Judge))];
    }
}
