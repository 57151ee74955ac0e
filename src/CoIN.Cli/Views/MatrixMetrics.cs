using CoIN.Benchmark.Metrics;
using CoIN.Benchmark.Reports;
using CoIN.Benchmark.Runs;

namespace CoIN.Cli.Views;

/// <summary>The paper's two numbers over a snapshot's matrix; null while cells are missing, and where they are not defined.</summary>
internal static class MatrixMetrics
{
    public static double? MeanAverageAccuracy(RunSnapshot snapshot) => Matrix(snapshot)?.Maa;

    public static double? BackwardTransfer(RunSnapshot snapshot) => Matrix(snapshot)?.Bwt;

    /// <summary>All tasks are learned at once: there is no backward transfer.</summary>
    public static bool IsJoint(RunSnapshot snapshot) => snapshot.Curriculum?.IsJoint == true;

    private static AccuracyMatrix? Matrix(RunSnapshot snapshot)
    {
        if (snapshot.Cells.Count == 0)
        {
            return null;
        }

        if (snapshot.Curriculum is not { } curriculum)
        {
            return snapshot.Cells.Count == snapshot.Tasks.Count ? new AccuracyMatrix(snapshot.Cells) : null;
        }

        var matrix = CurriculumMatrix.Empty(curriculum, snapshot.Tasks.Count);
        foreach (var (stage, row) in curriculum.Trained.Zip(snapshot.Cells))
        {
            foreach (var (task, cell) in stage.Tests.Zip(row))
            {
                matrix[stage.Number - 1, task] = cell;
            }
        }

        return matrix;
    }
}
