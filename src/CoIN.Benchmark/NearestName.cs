namespace CoIN.Benchmark;

/// <summary>Finds the name that was probably meant.</summary>
public static class NearestName
{
    /// <summary>
    /// The name which takes the fewest insertions, deletions and substitutions to reach, case aside; the first one of equals.
    /// </summary>
    /// <returns>The name, or null if there are none.</returns>
    public static string? Of(string given, IEnumerable<string> names) =>
        names.MinBy(name => Edits(given.ToLowerInvariant(), name.ToLowerInvariant()));

    /// <summary>As <see cref="Of"/>, but null where even the nearest name is far from what was given.</summary>
    public static string? Close(string given, IEnumerable<string> names) =>
        Of(given, names) is { } nearest
        && Edits(given.ToLowerInvariant(), nearest.ToLowerInvariant()) <= (Math.Max(given.Length, nearest.Length) + 1) / 2
            ? nearest
            : null;

    private static int Edits(string from, string to)
    {
        var costs = new int[from.Length + 1, to.Length + 1];
        for (var i = 0; i <= from.Length; i++)
        {
            for (var j = 0; j <= to.Length; j++)
            {
                costs[i, j] = (i, j) switch
                {
                    (0, _) => j,
                    (_, 0) => i,
                    _ => Math.Min(costs[i - 1, j - 1] + (from[i - 1] == to[j - 1] ? 0 : 1), 1 + Math.Min(costs[i - 1, j], costs[i, j - 1])),
                };
            }
        }

        return costs[from.Length, to.Length];
    }
}
