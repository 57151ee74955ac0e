using CoIN.Actors.Runs;

namespace CoIN.Cli.Views;

/// <summary>The paper's two numbers over a complete accuracy matrix; null while cells are missing.</summary>
internal static class MatrixMetrics
{
    /// <summary>Mean average accuracy in percent: 1/T Σ_j 1/j Σ_{i≤j} A[j,i].</summary>
    public static double? MeanAverageAccuracy(RunSnapshot snapshot) => Rows(snapshot) is { } rows ? rows.Average(row => row.Average()) : null;

    /// <summary>Backward transfer in percentage points: 1/T Σ_i A[T,i] − A[i,i]; negative where tasks are forgotten.</summary>
    public static double? BackwardTransfer(RunSnapshot snapshot) =>
        Rows(snapshot) is { } rows ? rows[^1].Select((last, i) => last - rows[i][i]).Average() : null;

    private static double[][]? Rows(RunSnapshot snapshot)
    {
        var complete = snapshot.Cells.Count > 0 && snapshot.Cells.Count == snapshot.Tasks.Count
            && snapshot.Cells.All(row => row.Count > 0 && row.All(cell => cell is not null));
        return complete ? [.. snapshot.Cells.Select(row => row.Select(cell => cell!.Value).ToArray())] : null;
    }
}
