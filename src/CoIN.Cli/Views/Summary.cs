using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Metrics;
using CoIN.Benchmark.Reports;
using CoIN.Benchmark.Runs;

namespace CoIN.Cli.Views;

/// <summary>What stays on the screen when a run has ended, or when somebody asks how it stands.</summary>
internal static class Summary
{
    private static RunSnapshot Of(JudgedMatrix judged, RunSnapshot snapshot) =>
        snapshot.ZeroShot.Count > 0 ? snapshot with { Cells = [], ZeroShot = judged.ZeroShot } : snapshot with { Cells = judged.Cells };

    private static bool IsMeasured(RunSnapshot snapshot) =>
        snapshot.Cells.Append(snapshot.ZeroShot).Any(row => row.Any(cell => cell is not null));

    /// <summary>What became of a judge that failed, and what can be done.</summary>
    public static string Fault(string run, string judge, string message) =>
        $"Judging by {judge} failed: {message} The run itself is complete. "
        + $"With the judge's settings corrected: ./run.sh judge run {run} --set judge.…; without it: ./run.sh judge dismiss {run} {judge}";

    /// <summary>The run in plain lines: how it stands, its matrix, MAA and BWT, where its files are.</summary>
    public static IEnumerable<string> Lines(RunSnapshot snapshot, string folder, int width)
    {
        // A copied folder is still called by its own name on the command line: the journal's is that of another.
        var name = Path.GetFileName(Path.TrimEndingDirectorySeparator(folder));
        var report = Path.Combine(folder, ReportFiles.Html);
        if (snapshot.Status is not (RunStatus.Starting or RunStatus.Running) && File.Exists(report))
        {
            yield return $"Report: {report}";
        }

        yield return $"Run {snapshot.RunId}: {Words.Of(snapshot.Status)}"
            + (snapshot.Elapsed > TimeSpan.Zero ? $" after {Words.Duration(snapshot.Elapsed)}" : "")
            + (snapshot.Message is { Length: > 0 } message ? $". {message}" : "");
        foreach (var (judge, fault) in snapshot.JudgingFaults)
        {
            yield return Fault(name, judge, fault);
        }

        if (snapshot.MissingJudgements > 0)
        {
            yield return Words.Text($"Judgements that are missing: {snapshot.MissingJudgements}. Ask for them: ./run.sh resume {name}");
        }

        if (snapshot.Training is { } training)
        {
            yield return Words.Text(
                $"Training stage {training.Stage}/{snapshot.Stages.Count} {training.Task}: step {Words.Training(training)}"
            );
        }

        foreach (var one in snapshot.Evaluations)
        {
            yield return Words.Text(
                $"Testing {one.Task} {(one.Stage == 0 ? "before any stage" : Words.Text($"after stage {one.Stage}"))}: {one.Answered}/{one.Total}"
            );
        }

        foreach (var one in snapshot.Judging)
        {
            yield return Words.Text($"{one.Judge} judges {one.Task} after stage {one.Stage}: {one.Judged}/{one.Total}");
        }

        if (snapshot.Remaining is { } left)
        {
            yield return $"About {Words.Duration(left)} left";
        }

        foreach (var stage in snapshot.Validations ?? [])
        {
            yield return Words.Text($"Validation loss of stage {stage.Stage} {stage.Name} ({stage.Points[^1].Samples} held-out samples): ")
                + string.Join(", ", stage.Points.Select(point => Words.Text($"step {point.Step} {point.Loss:0.0000}")));
        }

        if (snapshot is { GivenAdapter: { } given, ZeroShot.Count: > 0 })
        {
            yield return $"Tested: the base model with the adapter {given.Path} (SHA-256 {given.Sha256 ?? "not recorded"}); nothing is trained";
        }
        else if (snapshot.GivenAdapter is { } first)
        {
            yield return $"The first stage began with the adapter {first.Path} (SHA-256 {first.Sha256 ?? "not recorded"})";
        }

        if (IsMeasured(snapshot))
        {
            yield return "";
            yield return $"{Words.TruthAlignment}, percent; a row per stage, a column per task:";
            foreach (var line in MatrixGrid.Of(snapshot, Math.Min(width, LiveScreen.Widest)).Lines())
            {
                yield return line;
            }
        }

        if (MatrixMetrics.MeanAverageAccuracy(snapshot) is { } mean && MatrixMetrics.IsJoint(snapshot))
        {
            yield return "";
            yield return $"Mean average accuracy (MAA), published rules  {Words.Percent(mean)}   (the mean of the row)";
            yield return $"Backward transfer (BWT), published rules      –   ({AccuracyMatrix.WhyNoTransfer})";
        }

        if (MatrixMetrics.MeanAverageAccuracy(snapshot) is { } maa && MatrixMetrics.BackwardTransfer(snapshot) is { } bwt)
        {
            yield return "";
            yield return $"Mean average accuracy (MAA), published rules  {Words.Percent(maa)}";
            yield return $"Backward transfer (BWT), published rules      {Words.Percent(bwt)}"
                + (bwt < 0 ? "   (negative: tasks were forgotten)" : "");
        }

        foreach (var judged in snapshot.Judgements)
        {
            yield return "";
            var shown = Of(judged, snapshot);
            var measured = IsMeasured(shown);
            yield return $"Reasoning Capability by {judged.Judge} ({Words.Of(judged.Kind)}), published parser, {(measured ? "percent:" : "has no number.")}";
            foreach (var line in measured ? MatrixGrid.Of(shown, Math.Min(width, LiveScreen.Widest)).Lines() : [])
            {
                yield return line;
            }

            if (UnscoredReplies.Told(judged.Judge, judged.Samples, judged.Unparsable, judged.Unscored) is { } warning)
            {
                yield return $"Warning: {warning}";
            }
        }

        yield return "";
        yield return $"Files: {folder}";
    }
}
