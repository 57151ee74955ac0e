using System.Globalization;
using CoIN.Benchmark.Reports.Results;

namespace CoIN.Benchmark.Reports.Comparison;

/// <summary>
/// Runs that differ by nothing but their seed. A run of the same seed, or one that came out the same to the bit, is a repeat: it says
/// nothing about the spread between seeds, and would make it look smaller than it is.
/// </summary>
/// <param name="Runs">One for each seed: a completed one where there is one, else the first.</param>
/// <param name="Repeats">Sentences about the others.</param>
internal sealed record SeedGroup(IReadOnlyList<RunResults> Runs, IReadOnlyList<string> Repeats)
{
    /// <summary>Parts runs into groups; a group has one run or more.</summary>
    public static IReadOnlyList<SeedGroup> Of(IEnumerable<RunResults> runs) =>
        [.. runs.GroupBy(run => RunSettings.WithoutSeed(run.Report)).Select(Group)];

    private static SeedGroup Group(IEnumerable<RunResults> alike)
    {
        var kept = new List<RunResults>();
        var repeats = new List<string>();
        foreach (var run in alike.OrderBy(run => run.Report.Status != "completed"))
        {
            if (kept.Find(one => one.Report.Seed == run.Report.Seed) is { } first)
            {
                repeats.Add(OfOneSeed(first.Report, run.Report));
            }
            else if (kept.Find(one => IsSame(one.Report, run.Report)) is { } twin)
            {
                repeats.Add(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{run.Report.RunId} has the seed {run.Report.Seed} and {twin.Report.RunId} the seed {twin.Report.Seed}, but their answers are the same to the bit: the seed decides nothing here. "
                            + $"Only {twin.Report.RunId} counts as a seed."
                    )
                );
            }
            else
            {
                kept.Add(run);
            }
        }

        return new SeedGroup(kept, repeats);
    }

    private static string OfOneSeed(RunReport first, RunReport other)
    {
        var answers =
            IsSame(first, other) ? ", and the same answers to the bit"
            : Differ(first, other) ? ", yet other answers: threads, device or program were not the same"
            : "";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{other.RunId} repeats {first.RunId}: the same settings and the same seed {first.Seed}{answers}. Only {first.RunId} counts as a seed."
        );
    }

    private static bool IsSame(RunReport first, RunReport other) =>
        first.Cells.Count > 0 && first.Cells.Select(Answers).ToHashSet().SetEquals(other.Cells.Select(Answers));

    private static bool Differ(RunReport first, RunReport other) =>
        first.Cells.Any(cell => other.Cell(cell.Stage, cell.Task) is { } same && Answers(cell) != Answers(same));

    private static (int Stage, string Task, string Sha256, double Accuracy) Answers(CellReport cell) =>
        (cell.Stage, cell.Task, cell.Scored.Sha256, cell.Scored.Accuracy);
}
