using System.Diagnostics;

namespace CoIN.Speed;

/// <summary>Works that take their turns in every round, so that what else the computer does meets all alike.</summary>
internal static class Turns
{
    /// <summary>Measures works and writes their medians, and how they stand to the first one's, round by round.</summary>
    /// <param name="first">The first work as the others are called parts of it, e.g. "LoRA's".</param>
    public static void Table(TextWriter output, string title, int rounds, IReadOnlyList<(string Name, Action Run)> work, string first)
    {
        var seconds = work.Select(_ => new List<double>()).ToList();
        for (var round = -1; round < rounds; round++)
        {
            for (var i = 0; i < work.Count; i++)
            {
                var clock = Stopwatch.StartNew();
                work[i].Run();
                if (round >= 0)
                {
                    seconds[i].Add(clock.Elapsed.TotalSeconds);
                }
            }
        }

        output.WriteLine(title);
        for (var i = 0; i < work.Count; i++)
        {
            var ratios = seconds[i].Zip(seconds[0], (own, before) => own / before).Order().ToList();
            output.WriteLine(
                FormattableString.Invariant(
                    $"  {work[i].Name, -18} {1000 * Median(seconds[i]), 8:0} ms   {Median(ratios), 5:0.00} of {first} ({ratios[0]:0.00}-{ratios[^1]:0.00})"
                )
            );
        }
    }

    private static double Median(IEnumerable<double> values) => values.Order().ElementAt(values.Count() / 2);
}
