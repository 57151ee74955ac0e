using CoIN.Benchmark.Runs;

namespace CoIN.Cli.Views;

/// <summary>What stays on the screen when a run has ended, or when somebody asks how it stands.</summary>
internal static class Summary
{
    private static RunSnapshot Of(JudgedMatrix judged, RunSnapshot snapshot) => snapshot.ZeroShot.Count > 0
        ? snapshot with { Cells = [], ZeroShot = judged.ZeroShot }
        : snapshot with { Cells = judged.Cells };

    /// <summary>The run in plain lines: how it stands, its matrix, MAA and BWT, where its files are.</summary>
    public static IEnumerable<string> Lines(RunSnapshot snapshot, string folder, int width)
    {
        yield return $"Run {snapshot.RunId}: {Words.Of(snapshot.Status)}"
            + (snapshot.Elapsed > TimeSpan.Zero ? $" after {Words.Duration(snapshot.Elapsed)}" : "")
            + (snapshot.Message is { Length: > 0 } message ? $". {message}" : "");
        if (snapshot.Training is { } training)
        {
            yield return Words.Text($"Training stage {training.Stage}/{snapshot.Tasks.Count} {training.Task}: step {training.Step}/{training.TotalSteps}");
        }

        if (snapshot.Cells.Any(row => row.Any(cell => cell is not null)) || snapshot.ZeroShot.Any(cell => cell is not null))
        {
            yield return "";
            yield return "Accuracy in percent; a row per stage, a column per task:";
            foreach (var line in MatrixGrid.Of(snapshot, Math.Min(width, LiveScreen.Widest)).Lines())
            {
                yield return line;
            }
        }

        if (MatrixMetrics.MeanAverageAccuracy(snapshot) is { } maa && MatrixMetrics.BackwardTransfer(snapshot) is { } bwt)
        {
            yield return "";
            yield return $"Mean average accuracy (MAA)  {Words.Percent(maa)}";
            yield return $"Backward transfer (BWT)      {Words.Percent(bwt)}" + (bwt < 0 ? "   (negative: tasks were forgotten)" : "");
        }

        foreach (var judged in snapshot.Judgements)
        {
            yield return "";
            yield return $"Reasoning Capability by {judged.Judge} ({Words.Of(judged.Kind)}), percent:";
            foreach (var line in MatrixGrid.Of(Of(judged, snapshot), Math.Min(width, LiveScreen.Widest)).Lines())
            {
                yield return line;
            }
        }

        yield return "";
        yield return $"Files: {folder}";
    }
}
