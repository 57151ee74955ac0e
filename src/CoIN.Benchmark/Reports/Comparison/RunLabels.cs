namespace CoIN.Benchmark.Reports.Comparison;

/// <summary>
/// What compared runs are called: their ids without the beginning that all have in common, up to a hyphen. The runs of one experiment have
/// all but the ends of their ids in common.
/// </summary>
internal sealed class RunLabels
{
    private readonly Dictionary<string, string> labels;

    private RunLabels(string beginning, Dictionary<string, string> labels) => (Beginning, this.labels) = (beginning, labels);

    /// <summary>What was left out; empty where labels are ids.</summary>
    public string Beginning { get; }

    /// <summary>The label of a run.</summary>
    /// <param name="id">A compared run's.</param>
    public string this[string id] => labels[id];

    /// <summary>Labels runs.</summary>
    /// <param name="ids">All different.</param>
    public static RunLabels Of(IReadOnlyList<string> ids)
    {
        var beginning = Beginnings(ids);
        return new RunLabels(beginning, ids.ToDictionary(id => id, id => id[beginning.Length..]));
    }

    /// <summary>What some of the runs are called together: what their labels begin with; empty where they have nothing in common.</summary>
    public string Common(IReadOnlyList<string> ids) => Beginnings([.. ids.Select(id => labels[id])]).TrimEnd('-');

    /// <summary>The longest beginning of all that ends with a hyphen; empty for a single one.</summary>
    private static string Beginnings(IReadOnlyList<string> ids)
    {
        if (ids.Count < 2)
        {
            return "";
        }

        var (least, most) = (ids.Min(StringComparer.Ordinal)!, ids.Max(StringComparer.Ordinal)!);
        var common = least.Zip(most).TakeWhile(pair => pair.First == pair.Second).Count();
        return least[..(least.AsSpan(0, common).LastIndexOf('-') + 1)];
    }
}
