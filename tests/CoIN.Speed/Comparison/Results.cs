using CoIN.Speed.Sides;

namespace CoIN.Speed.Comparison;

/// <summary>One side's seconds, round after round, for a piece of work.</summary>
internal sealed record Timing(string Side, string Task, IReadOnlyList<double> Seconds);

/// <summary>One side's memory and plain matrix product.</summary>
internal sealed record SideFacts(string Side, double GemmGflops, string Versions, SideMemory Memory);

/// <summary>A measured comparison at one number of image tokens.</summary>
/// <param name="Kind">train or generate.</param>
/// <param name="Amount">Tokens of a training pass; samples of each task.</param>
/// <param name="Gflop">Operations that each piece of work needs, in 10⁹ (see <see cref="Work"/>).</param>
/// <param name="Losses">Mean loss of every side's measured passes, of training.</param>
/// <param name="Agreement">For each peer the parts of equal answers and of equal tokens, of evaluation.</param>
internal sealed record Section(
    string Kind,
    int ImageTokens,
    IReadOnlyDictionary<string, double> Amount,
    IReadOnlyDictionary<string, double> Gflop,
    IReadOnlyList<Timing> Timings,
    IReadOnlyList<SideFacts> Sides,
    IReadOnlyDictionary<string, double> Losses,
    IReadOnlyDictionary<string, Agreement> Agreement
)
{
    /// <summary>The product first.</summary>
    public IReadOnlyList<string> Names => [.. Timings.Select(timing => timing.Side).Distinct()];

    public IReadOnlyList<string> Tasks => [.. Timings.Select(timing => timing.Task).Distinct()];

    /// <summary>A side's seconds for a task (all tasks: null), round after round.</summary>
    public IReadOnlyList<double> Seconds(string side, string? task)
    {
        var chosen = Timings.Where(timing => timing.Side == side && (task is null || timing.Task == task)).ToList();
        return [.. Enumerable.Range(0, chosen[0].Seconds.Count).Select(round => chosen.Sum(timing => timing.Seconds[round]))];
    }

    /// <summary>How often faster than <paramref name="other"/> a side was, in the rounds.</summary>
    public Spread Ratio(string side, string other, string? task = null) =>
        Spread.Of(Seconds(other, task).Zip(Seconds(side, task), (slow, fast) => slow / fast));

    /// <summary>Tokens or samples in a second.</summary>
    public Spread Rate(string side, string? task = null)
    {
        var amount = task is null ? Amount.Values.Sum() : Amount[task];
        return Spread.Of(Seconds(side, task).Select(seconds => amount / seconds));
    }

    /// <summary>Useful GFLOP in a second.</summary>
    public double Gflops(string side) => Gflop.Values.Sum() / Spread.Of(Seconds(side, null)).Median;
}

/// <summary>How far two sides' answers are the same.</summary>
internal sealed record Agreement(double Answers, double Tokens)
{
    public static Agreement Of(IReadOnlyList<IReadOnlyList<int>> ours, IReadOnlyList<IReadOnlyList<int>> theirs)
    {
        var pairs = ours.Zip(theirs, (first, second) => (First: first, Second: second)).ToList();
        double tokens = pairs.Sum(pair => pair.First.Count);
        return new Agreement(
            pairs.Count(pair => pair.First.SequenceEqual(pair.Second)) / (double)pairs.Count,
            pairs.Sum(pair => pair.First.Zip(pair.Second, (first, second) => first == second).Count(same => same)) / tokens
        );
    }
}
