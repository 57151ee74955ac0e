using System.Globalization;
using CoIN.Benchmark;
using CoIN.Benchmark.Metrics;
using CoIN.Benchmark.Reports;
using CoIN.Benchmark.Reports.Results;
using CoIN.Benchmark.Scoring;

namespace CoIN.Cli.Views;

/// <summary>The numbers of matrices, for people.</summary>
internal static class MetricsText
{
    private static readonly MetricSet<(string Label, string Meaning)> Labels = new(
        ("MAA", "mean average accuracy, %"),
        ("BWT", "backward transfer, points (divided by the number of tasks)"),
        ("last average", "mean of the last row, %"),
        ("just trained", "mean of the diagonal, %"),
        ("forgetting", "best earlier accuracy minus the last, points (over all tasks but the last)"),
        ("learning gain", "just trained minus zero-shot, points"),
        ("forward transfer", "right before its training minus zero-shot, points (over all tasks but the first)")
    );

    public static void Render(
        TextWriter output,
        IReadOnlyList<NamedResults> matrices,
        IReadOnlyList<(ScoringKind? Scoring, SeedSummary Summary)> seeds
    )
    {
        foreach (var (name, scoring, results) in matrices)
        {
            output.WriteLine(Title(name, scoring));
            output.Write(MatrixText.Render(results.Measured.Tasks, results.Measured.Matrix.Rows));
            output.WriteLine();
            foreach (var (label, value, interval, missing) in Lines(results))
            {
                output.WriteLine(
                    value is { } known
                        ? Words.Text($"{label.Label, -17}{known, 9:0.000}  {Interval(interval), -18}{label.Meaning}")
                        : $"{label.Label, -17}{(missing.StartsWith("not defined:", StringComparison.Ordinal) ? "–" : "-"), 9}  {missing}"
                );
            }

            output.WriteLine();
        }

        foreach (var (scoring, summary) in seeds)
        {
            RenderSeeds(output, scoring, summary, matrices.Count(matrix => matrix.Scoring == scoring));
        }
    }

    private static void RenderSeeds(TextWriter output, ScoringKind? scoring, SeedSummary summary, int runs)
    {
        output.WriteLine(Title($"{Plural.Of(runs, "file")}: mean ± sample standard deviation", scoring));
        var width = Math.Max(14, summary.Tasks.Max(task => task.Length) + 2);
        output.WriteLine($"{"after", -20}{string.Concat(summary.Tasks.Select(task => task.PadLeft(width)))}");
        for (var stage = 0; stage < summary.Cells.Count; stage++)
        {
            var name = summary.Cells.Count == summary.Tasks.Count ? Words.Text($"{stage + 1} {summary.Tasks[stage]}") : "all tasks";
            output.WriteLine($"{name, -20}{string.Concat(summary.Cells[stage].Select(cell => Spread(cell).PadLeft(width)))}");
        }

        output.WriteLine();
        foreach (
            var ((label, _), value) in Labels.Named.Select(label => label.Value).Zip(summary.Metrics.Named.Select(metric => metric.Value))
        )
        {
            output.WriteLine($"{label, -17}{Spread(value, "0.000"), 18}");
        }

        output.WriteLine();
    }

    private static IEnumerable<((string Label, string Meaning) Label, double? Value, Interval? Interval, string Missing)> Lines(
        MatrixResults results
    )
    {
        const string Above = "the accuracies right above the diagonal, which CoIN does not measure (write them into the matrix)";
        var alone = results.Measured.Matrix.Tasks == 1;
        var joint = results.Measured.Matrix.IsJoint;
        var zeroShot = results.Measured.ZeroShot.Count > 0;
        var missing = new MetricSet<string>(
            "a cell is missing",
            joint ? AccuracyMatrix.WhyNoTransfer : "a cell is missing",
            "a cell of the last row is missing",
            "a cell of the diagonal is missing",
            alone ? "not defined for one task"
                : joint ? AccuracyMatrix.WhyNoTransfer
                : "a cell is missing",
            zeroShot
                ? "a cell of the diagonal or a zero-shot accuracy is missing"
                : "needs the untrained model's accuracies: --zero-shot FILE",
            alone ? "not defined for one task"
                : joint ? "not defined: no task was learned before another"
                : zeroShot ? $"needs {Above}"
                : $"needs --zero-shot FILE, and {Above}"
        );
        return Labels.Named.Select(
            (label, place) =>
                (label.Value, results.Values.Named[place].Value, results.Intervals.Named[place].Value, missing.Named[place].Value)
        );
    }

    private static string Title(string name, ScoringKind? scoring) =>
        scoring is { } known ? $"{name}, {known.ToString().ToLowerInvariant()} scoring" : name;

    private static string Interval(Interval? interval) => interval is { } known ? Words.Text($"[{known.Low:0.00}, {known.High:0.00}]") : "";

    private static string Spread(MeanDeviation? value, string format = "0.00") =>
        value switch
        {
            null => "-",
            { Deviation: null } one => one.Mean.ToString(format, CultureInfo.InvariantCulture),
            { Deviation: { } deviation } several =>
                $"{several.Mean.ToString(format, CultureInfo.InvariantCulture)} ± {deviation.ToString(format, CultureInfo.InvariantCulture)}",
        };
}
