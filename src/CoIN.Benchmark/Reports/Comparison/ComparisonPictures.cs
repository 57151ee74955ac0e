using CoIN.Benchmark.Metrics;
using CoIN.Benchmark.Reports.Html;
using CoIN.Benchmark.Reports.Paper;
using CoIN.Benchmark.Reports.Results;

namespace CoIN.Benchmark.Reports.Comparison;

/// <summary>Curves and matrices of several runs by one measure, for the page.</summary>
internal static class ComparisonPictures
{
    public static Markup Render(RunComparison comparison, string title)
    {
        var runs = comparison
            .Results.Select(run => (Run: run, Measure: run.Measures.FirstOrDefault(measure => measure.Title == title)))
            .Where(one => one.Measure is not null)
            .Select(one => (one.Run, Measure: one.Measure!))
            .ToList();
        return runs.Count < 2
            ? Markup.Empty
            : Markup.Of(
                $"""
                <h3>Forgetting curves: {title}</h3>
                {Curves(comparison, runs)}
                <h3>Matrices: {title}</h3>
                <div class="matrices">
                {Markup.Join(runs.Select(run => Matrix(comparison, runs[0], run)))}
                </div>
                {(runs.Count > 1 ? PublishedSheet.Differences : Markup.Empty)}
                """
            );
    }

    private static Markup Curves(RunComparison comparison, List<(RunResults Run, Measure Measure)> runs)
    {
        var looks = comparison
            .Seeds.SelectMany((group, look) => group.Runs.Select(run => (run.Report.RunId, look)))
            .ToDictionary(one => one.RunId, one => one.look);
        var stages = runs.Max(run => run.Run.Report.Curriculum.Trained.Count);
        var charts = comparison.Tasks.Select(task =>
            Overlay.Render(
                task,
                [.. runs.Select(run => Line(comparison, run.Run, run.Measure, task, Look(run.Run))).Where(line => line.Points.Count > 0)],
                Math.Max(stages, 1)
            )
        );
        return Markup.Of(
            $"""
            {Overlay.Legend(
                runs.GroupBy(run => Look(run.Run)).Select(alike =>
                    (alike.Key, string.Join(", ", alike.Select(run => comparison.Labels[run.Run.Report.RunId])))
                )
            )}
            <div class="grid">
            {Markup.Join(charts)}
            </div>
            """
        );

        // A repeat that counts as no seed looks like the run that it repeats.
        int Look(RunResults run) =>
            looks.TryGetValue(run.Report.RunId, out var look)
                ? look
                : comparison
                    .Seeds.ToList()
                    .FindIndex(group => RunSettings.WithoutSeed(group.Runs[0].Report) == RunSettings.WithoutSeed(run.Report));
    }

    private static OverlayLine Line(RunComparison comparison, RunResults run, Measure measure, string task, int look)
    {
        var place = run.Report.Tasks.ToList().IndexOf(task);
        var level = !run.HasCourse;
        var points =
            place < 0
                ? []
                : run
                    .Report.Curriculum.Stages.Where(stage => stage.Tests.Contains(place) && (level || stage.Trains))
                    .Where(stage => measure.Cell(stage.Number, place) is not null)
                    .Select(stage => (level ? 0 : stage.Number, measure.Cell(stage.Number, place)!.Value))
                    .ToList();
        return new OverlayLine(look, comparison.Labels[run.Report.RunId], points);
    }

    /// <summary>The first run's matrix by its numbers, the others' by their differences from it where both have the cell.</summary>
    private static Markup Matrix(RunComparison comparison, (RunResults Run, Measure Measure) first, (RunResults Run, Measure Measure) run)
    {
        var report = run.Run.Report;
        var isFirst = run.Run == first.Run;
        var joined = isFirst ? null : Paired(comparison, first, run);
        var rows = report
            .Curriculum.Stages.Select(stage =>
                (
                    stage.Trains ? FormattableString.Invariant($"{stage.Number} {stage.Name}") : "untrained model",
                    (IReadOnlyList<HeatCell?>)
                        [
                            .. comparison.Tasks.Select(task =>
                                report.Tasks.ToList().IndexOf(task) is >= 0 and var place && stage.Tests.Contains(place)
                                    ? Cell(stage.Number, task, place, stage.Learns.Count == 1 && stage.Learns[0] == place)
                                    : null
                            ),
                        ]
                )
            )
            .ToList();
        var (name, reference) = (comparison.Labels[report.RunId], comparison.Labels[first.Run.Report.RunId]);
        var from = run.Run.HasCourse || !first.Run.HasCourse ? "" : "the end of ";
        return Markup.Of(
            $"""
            <div><h4>{name}{(isFirst ? "" : $", coloured by its difference from {from}{reference}")}</h4>
            {HeatGrid.Render($"{name}, {run.Measure.Title}", [.. comparison.Tasks.Select(task => (task, ""))], rows)}</div>
            """
        );

        HeatCell Cell(int stage, string task, int place, bool own)
        {
            var percent = run.Measure.Cell(stage, place);
            var former = Counterpart(first.Run, run.Run, stage, place) is { } same
                ? first.Measure.Cell(same, first.Run.Report.Tasks.ToList().IndexOf(task))
                : null;
            Interval? interval = joined is not null && joined.TryGetValue((stage, task), out var known) ? known : null;
            var difference = isFirst ? null : percent - former;
            var sure = interval is { } bounds && (bounds.Low > 0 || bounds.High < 0);
            return new HeatCell(percent, Told(percent, former, isFirst, interval))
            {
                Own = own,
                ByDifference = !isFirst,
                Difference = difference,
                Small = difference is null ? "" : RunComparison.Signed(difference) + (sure ? "*" : ""),
            };
        }
    }

    private static string Told(double? percent, double? former, bool isFirst, Interval? interval) =>
        percent is null
            ? "not measured"
            : $"{MatrixText.Percent(percent)} %"
                + (
                    isFirst || former is null
                        ? ""
                        : $", {RunComparison.Signed(percent - former)} points from {MatrixText.Percent(former)} %"
                )
                + (interval is { } known ? $", 95 % interval {RunComparison.Signed(known.Low)} to {RunComparison.Signed(known.High)}" : "");

    /// <summary>
    /// The stage of the first run whose cell a cell is held against: the same one, or the end of the run where the other has one row only
    /// (untrained, or all tasks at once); null for none.
    /// </summary>
    private static int? Counterpart(RunResults first, RunResults other, int stage, int place)
    {
        if (Same(first.Report, other.Report, stage, place))
        {
            return stage;
        }

        var isEnd = !other.HasCourse || other.Report.Curriculum.Trained[^1].Number == stage;
        return first.HasCourse != other.HasCourse && isEnd && first.Report.Tasks.Contains(other.Report.Tasks[place])
            ? first.Report.Curriculum.Stages[^1].Number
            : null;
    }

    /// <summary>
    /// A cell of two runs is the same where they learned the same tasks in the same order up to its stage; the untrained model's always is.
    /// </summary>
    private static bool Same(RunReport first, RunReport other, int stage, int place) =>
        other.Curriculum.Stages.FirstOrDefault(one => one.Number == stage) is { } own
        && first.Curriculum.Stages.FirstOrDefault(one => one.Number == stage) is { } former
        && own.Trains == former.Trains
        && own.Learns.Count == former.Learns.Count
        && (!own.Trains || own.Learns.Count > 1 || first.Tasks.Take(stage).SequenceEqual(other.Tasks.Take(stage)))
        && first.Tasks.Contains(other.Tasks[place]);

    private static Dictionary<(int Stage, string Task), Interval?> Paired(
        RunComparison comparison,
        (RunResults Run, Measure Measure) first,
        (RunResults Run, Measure Measure) run
    )
    {
        var cells = (
            from stage in run.Run.Report.Curriculum.Stages
            from place in stage.Tests
            let former = Counterpart(first.Run, run.Run, stage.Number, place)
            where former is not null
            select (First: former.Value, Second: stage.Number, Task: run.Run.Report.Tasks[place])
        ).ToList();
        var (intervals, _) = Bootstrap.Differences(
            (first.Measure.Measured, first.Measure.Results.Columns),
            (run.Measure.Measured, run.Measure.Results.Columns),
            cells
        );
        return cells.Zip(intervals).ToDictionary(one => (one.First.Second, one.First.Task), one => one.Second);
    }
}
