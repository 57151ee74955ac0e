using CoIN.Benchmark.Metrics;
using CoIN.Benchmark.Runs;

namespace CoIN.Cli.Views;

/// <summary>The paper's two numbers over a snapshot's matrix; null while cells are missing.</summary>
internal static class MatrixMetrics
{
    public static double? MeanAverageAccuracy(RunSnapshot snapshot) => Matrix(snapshot)?.Maa;

    public static double? BackwardTransfer(RunSnapshot snapshot) => Matrix(snapshot)?.Bwt;

    private static AccuracyMatrix? Matrix(RunSnapshot snapshot) =>
        snapshot.Cells.Count > 0 && snapshot.Cells.Count == snapshot.Tasks.Count ? new AccuracyMatrix(snapshot.Cells) : null;
}
