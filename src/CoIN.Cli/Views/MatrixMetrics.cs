using CoIN.Benchmark.Metrics;
using CoIN.Benchmark.Reports;
using CoIN.Benchmark.Runs;

namespace CoIN.Cli.Views;

/// <summary>The paper's two numbers over a snapshot's matrix; null while cells are missing, and where they are not defined.</summary>
internal static class MatrixMetrics
{
    public static double? MeanAverageAccuracy(RunSnapshot snapshot) => Matrix(snapshot)?.Maa;

    public static double? BackwardTransfer(RunSnapshot snapshot) => Matrix(snapshot)?.Bwt;

    /// <summary>
    /// The same two of the rows that are whole, from the first on: of all of them they are the run's own. BWT is null for a single row,
    /// where nothing could be forgotten.
    /// </summary>
    /// <returns>Null where no row is whole.</returns>
    public static (int Rows, double Maa, double? Bwt)? SoFar(RunSnapshot snapshot)
    {
        var rows = snapshot
            .Cells.TakeWhile(row => row.Count > 0 && row.All(cell => cell is not null))
            .Select(row => row.Select(cell => cell!.Value).ToList())
            .ToList();
        if (rows.Count == 0)
        {
            return null;
        }

        // The paper divides by the number of tasks, the last one among them, of which nothing can be forgotten.
        var maa = rows.Average(row => row.Average());
        return (
            rows.Count,
            maa,
            IsJoint(snapshot) || rows.Count == 1 || rows[^1].Count != rows.Count
                ? null
                : rows[^1].Select((last, task) => last - rows[task][task]).Average()
        );
    }

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
