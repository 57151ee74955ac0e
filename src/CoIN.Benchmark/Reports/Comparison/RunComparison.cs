using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Metrics;
using CoIN.Benchmark.Reports.Results;
using CoIN.Benchmark.Reports.Tables;

namespace CoIN.Benchmark.Reports.Comparison;

/// <summary>One measure of all compared runs.</summary>
/// <param name="Title">What was measured, by which rules.</param>
/// <param name="Groups">Rows of each run, then differences from the first run, then means over seeds.</param>
internal sealed record ComparedMeasure(string Title, IReadOnlyList<LatexGroup> Groups);

/// <summary>Runs side by side, the first one being what the others are compared with.</summary>
internal sealed record RunComparison(
    IReadOnlyList<string> Runs, IReadOnlyList<string> Header, IReadOnlyList<ComparedMeasure> Measures, IReadOnlyList<string> Warnings, TextTable Differences)
{
    /// <summary>Compares runs.</summary>
    /// <param name="runs">Two or more, with their folders.</param>
    /// <exception cref="CoinException">A run is given twice, there are fewer than two, or a file of scores cannot be read.</exception>
    public static RunComparison Of(IReadOnlyList<ReportedRun> runs)
    {
        var ids = runs.Select(run => run.Report.RunId).ToList();
        if (runs.Count < 2 || ids.Distinct().Count() < ids.Count)
        {
            throw new CoinException("Two or more different runs are needed to compare. ./run.sh runs lists those there are.");
        }

        var results = runs.Select(run => RunResults.Of(run.Report, null)).ToList();
        IReadOnlyList<string> tasks = [.. results.SelectMany(run => run.Report.Tasks).Distinct()];
        var seeds = SeedGroup.Of(results);
        return new RunComparison(
            ids, ["run", "row", .. tasks, "MAA", "BWT"],
            [.. results.SelectMany(run => run.Measures).Select(measure => measure.Title).Distinct().Select(title => Compare(title, results, seeds, tasks))],
            [.. Comparability.Warnings([.. results.Select(run => run.Report)]), .. seeds.SelectMany(group => group.Repeats)], DifferentSettings([.. results.Select(run => run.Report)]));
    }

    private static ComparedMeasure Compare(string title, List<RunResults> runs, IReadOnlyList<SeedGroup> seeds, IReadOnlyList<string> tasks)
    {
        var measured = runs.Select(run => (Run: run, Rows: RowsOf(run, title, tasks))).Where(one => one.Rows.Count > 0).ToList();
        var groups = measured.Select(one => new LatexGroup(
            "", [.. one.Rows.Select(row => (IReadOnlyList<string>)[one.Run.Report.RunId, row.When, .. row.Values.Select(Known)])])).ToList();
        if (measured.Count > 1 && measured[0].Run == runs[0])
        {
            groups.Add(new LatexGroup("", [.. measured.Skip(1).SelectMany(one => DifferencesFrom(runs[0], measured[0].Rows, one.Run, one.Rows))]));
        }

        foreach (var group in seeds)
        {
            var rows = group.Runs.Select(run => RowsOf(run, title, tasks)).Where(one => one.Count > 0).ToList();
            if (rows.Count > 1)
            {
                groups.Add(new LatexGroup("", [.. rows[0].Select((row, place) => (IReadOnlyList<string>)
                [
                    FormattableString.Invariant($"mean ± sd of {rows.Count} seeds"), row.When,
                    .. row.Values.Select((_, column) => Spread([.. rows.Select(one => one.ElementAtOrDefault(place)?.Values[column])])),
                ])]));
            }
        }

        return new ComparedMeasure(title, [.. groups.Where(group => group.Rows.Count > 0)]);
    }

    private static IEnumerable<IReadOnlyList<string>> DifferencesFrom(RunResults first, IReadOnlyList<Row> formers, RunResults other, IReadOnlyList<Row> rows) =>
        from row in rows
        let former = formers.FirstOrDefault(one => one.When == row.When)
        where former is not null
        select (IReadOnlyList<string>)
        [
            $"{other.Report.RunId} − {first.Report.RunId}", row.When,
            .. row.Values.Zip(former.Values, (value, reference) => value - reference).Select(Signed),
        ];

    /// <summary>Just-trained and final rows of a run (or its zero-shot row), with MAA and BWT behind the tasks; null where a task is not the run's.</summary>
    private static IReadOnlyList<Row> RowsOf(RunResults run, string title, IReadOnlyList<string> tasks)
    {
        if (run.Measures.FirstOrDefault(measure => measure.Title == title) is not { } measure)
        {
            return [];
        }

        var places = tasks.Select(task => run.Report.Tasks.ToList().IndexOf(task)).ToList();
        return run.Report.Curriculum.Trained.Count == 0
            ? [new Row(PaperTable.ZeroShot, [.. Pick(measure.Measured.ZeroShot), null, null])]
            :
            [
                .. run.HasCourse ? [new Row(PaperTable.JustTrained, [.. Pick(measure.Matrix.JustTrained), null, null])] : Array.Empty<Row>(),
                new Row(PaperTable.Final, [.. Pick(measure.Matrix.Final), measure.Results.Values.Maa, measure.Results.Values.Bwt]),
            ];

        IEnumerable<double?> Pick(IReadOnlyList<double?> values) => places.Select(place => place < 0 ? null : values.ElementAtOrDefault(place));
    }

    private static TextTable DifferentSettings(IReadOnlyList<RunReport> runs)
    {
        var all = runs.Select(RunSettings.Of).ToList();
        return new TextTable(
            ["setting", .. runs.Select(run => run.RunId)],
            [.. all.SelectMany(one => one.Keys).Distinct().Order(StringComparer.Ordinal)
                .Select(name => (IReadOnlyList<string>)[name, .. all.Select(one => one.GetValueOrDefault(name, "-"))])
                .Where(row => row.Skip(1).Distinct().Count() > 1)]);
    }

    private static string Known(double? value) => value is null ? "" : MatrixText.Percent(value);

    private static string Signed(double? value)
    {
        var text = Known(value);
        return text.Length == 0 || text[0] == '-' ? text : "+" + text;
    }

    /// <summary>Nothing where not all runs have the number: a mean of some of them would look like a mean of all.</summary>
    private static string Spread(IReadOnlyList<double?> values) => values.Contains(null) || MeanDeviation.Of(values) is not { } known
        ? ""
        : MatrixText.Percent(known.Mean) + (known.Deviation is { } deviation ? " ± " + MatrixText.Percent(deviation) : "");

    private sealed record Row(string When, IReadOnlyList<double?> Values);
}
