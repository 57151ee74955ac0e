using CoIN.Benchmark.Metrics;
using CoIN.Benchmark.Reports.Results;

namespace CoIN.Benchmark.Reports.Comparison;

/// <summary>A row of a factor table: mean and spread over the seeds of one value.</summary>
/// <param name="Value">The factor's value.</param>
/// <param name="When">Which row of the runs.</param>
/// <param name="Runs">Ids of the runs, one for each seed.</param>
/// <param name="Cells">For each task, then MAA and BWT; null where not all of the runs have the number.</param>
internal sealed record FactorRow(string Value, string When, IReadOnlyList<string> Runs, IReadOnlyList<MeanDeviation?> Cells);

/// <summary>A table as in the paper: what one factor does to the accuracies while all else is the same.</summary>
/// <param name="Factor">The setting, and in brackets those that vary with it.</param>
/// <param name="At">The values of the other factors; empty where nothing else varies.</param>
/// <param name="Measure">What was measured, by which rules.</param>
/// <param name="Tasks">The columns.</param>
internal sealed record FactorTable(string Factor, string At, string Measure, IReadOnlyList<string> Tasks, IReadOnlyList<FactorRow> Rows)
{
    /// <summary>For headings.</summary>
    public string Title => $"By {Factor}{(At.Length > 0 ? $" at {At}" : "")}: {Measure}";

    /// <summary>
    /// A table for each factor, each combination of the other factors' values at which it has two values or more, and each measure. Groups
    /// that stand in no such table (no two of them differ by one factor alone) are put into one table by all factors.
    /// </summary>
    public static IReadOnlyList<FactorTable> Of(
        IReadOnlyList<SeedGroup> groups,
        IReadOnlyList<string> tasks,
        IReadOnlyList<string> measures
    )
    {
        var factors = Comparison.Factor.Of(groups);
        var tables = new List<FactorTable>();
        var shown = new HashSet<int>();
        foreach (var factor in factors)
        {
            var others = factors.Where(one => one != factor).ToList();
            foreach (
                var context in Enumerable
                    .Range(0, groups.Count)
                    .GroupBy(group => string.Join(", ", others.Select(other => $"{other.Name} = {other.Values[group]}")))
                    .Where(context => context.Select(group => factor.Values[group]).Distinct().Count() > 1)
            )
            {
                shown.UnionWith(context);
                var name = factor.With.Count > 0 ? $"{factor.Name} (with {string.Join(", ", factor.With)})" : factor.Name;
                var rows = Comparison
                    .Factor.Ordered(context.Select(group => factor.Values[group]))
                    .SelectMany(value => context.Where(group => factor.Values[group] == value).Select(group => (value, groups[group])))
                    .ToList();
                tables.AddRange(Tables(name, context.Key, rows, tasks, measures));
            }
        }

        var left = Enumerable.Range(0, groups.Count).Where(group => !shown.Contains(group)).ToList();
        if (groups.Count > 1 && left.Count > 0)
        {
            tables.AddRange(
                Tables(
                    string.Join(", ", factors.Select(factor => factor.Name)),
                    "",
                    [
                        .. Enumerable
                            .Range(0, groups.Count)
                            .Select(group => (string.Join(", ", factors.Select(factor => factor.Values[group])), groups[group])),
                    ],
                    tasks,
                    measures
                )
            );
        }

        return tables;
    }

    private static IEnumerable<FactorTable> Tables(
        string factor,
        string at,
        List<(string Value, SeedGroup Group)> rows,
        IReadOnlyList<string> tasks,
        IReadOnlyList<string> measures
    ) =>
        from measure in measures
        let measured = (IReadOnlyList<FactorRow>)[.. rows.SelectMany(row => RowsOf(row.Value, row.Group, tasks, measure))]
        where measured.Count > 1
        select new FactorTable(factor, at, measure, tasks, measured);

    private static IEnumerable<FactorRow> RowsOf(string value, SeedGroup group, IReadOnlyList<string> tasks, string title)
    {
        var runs = group
            .Runs.Select(run => (Run: run, Measure: run.Measures.FirstOrDefault(measure => measure.Title == title)))
            .Where(one => one.Measure is not null)
            .Select(one => (one.Run, Rows: ComparedRow.Of(one.Run, one.Measure!, tasks)))
            .ToList();
        return runs.Count == 0
            ? []
            : runs[0]
                .Rows.Select(
                    (row, place) =>
                        new FactorRow(
                            value,
                            row.When,
                            [.. runs.Select(run => run.Run.Report.RunId)],
                            [.. row.All.Select((_, column) => Spread([.. runs.Select(run => run.Rows[place].All[column])]))]
                        )
                );
    }

    /// <summary>Nothing where not all runs have the number: a mean of some of them would look like a mean of all.</summary>
    internal static MeanDeviation? Spread(IReadOnlyList<double?> values) => values.Contains(null) ? null : MeanDeviation.Of(values);
}
