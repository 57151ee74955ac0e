namespace CoIN.Benchmark.Metrics;

/// <summary>
/// The accuracy matrix of a run over T tasks: cell [j, i] is the accuracy in percent on task i after stage j, for i ≤ j (both 0-based).
/// Cells above the diagonal do not exist; a cell that is not measured yet is null.
/// </summary>
public sealed class AccuracyMatrix
{
    private readonly double?[][] cells;

    /// <summary>A matrix without any measured cell.</summary>
    /// <param name="tasks">T, at least 1.</param>
    public AccuracyMatrix(int tasks)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(tasks);
        cells = [.. Enumerable.Range(1, tasks).Select(length => new double?[length])];
    }

    /// <summary>A matrix from its rows.</summary>
    /// <param name="rows">T rows; row j has either its j + 1 cells, or T cells of which those above the diagonal are null.</param>
    /// <exception cref="ArgumentException">The rows do not form a lower triangle.</exception>
    public AccuracyMatrix(IReadOnlyList<IReadOnlyList<double?>> rows)
        : this(rows.Count)
    {
        for (var stage = 0; stage < rows.Count; stage++)
        {
            var row = rows[stage];
            var triangular = row.Count == stage + 1 || (row.Count == rows.Count && row.Skip(stage + 1).All(cell => cell is null));
            if (!triangular)
            {
                throw new ArgumentException($"Row {stage} of {rows.Count} has {row.Count} cells, which is no lower triangle.", nameof(rows));
            }

            for (var task = 0; task <= stage; task++)
            {
                this[stage, task] = row[task];
            }
        }
    }

    /// <summary>T, the number of tasks and of stages.</summary>
    public int Tasks => cells.Length;

    /// <summary>Row j with its j + 1 cells, for every stage.</summary>
    public IReadOnlyList<IReadOnlyList<double?>> Rows => cells;

    /// <summary>Whether every cell is measured.</summary>
    public bool IsComplete => cells.All(row => row.All(cell => cell is not null));

    /// <summary>The diagonal: every task just after its own stage.</summary>
    public IReadOnlyList<double?> JustTrained => [.. cells.Select(row => row[^1])];

    /// <summary>The last row: every task at the end of the run.</summary>
    public IReadOnlyList<double?> Final => cells[^1];

    /// <summary>
    /// Mean average accuracy in percent, 1/T Σ_j 1/j Σ_{i≤j} A[j,i] (CoIN, equation 2); null while a cell is missing.
    /// </summary>
    public double? Maa => IsComplete ? cells.Sum(row => row.Sum()!.Value / row.Length) / Tasks : null;

    /// <summary>
    /// Backward transfer in percentage points, 1/T Σ_i (A[T,i] − A[i,i]): the paper divides by T, not by T − 1. Null while a
    /// cell is missing, also one that does not enter: a run without its whole matrix is not finished.
    /// </summary>
    public double? Bwt => IsComplete ? Final.Select((cell, task) => cell!.Value - cells[task][task]!.Value).Sum() / Tasks : null;

    /// <summary>Mean of the last row in percent, 1/T Σ_i A[T,i]; null while one of its cells is missing.</summary>
    public double? LastAverage => Mean(Final);

    /// <summary>Mean of the diagonal in percent, 1/T Σ_i A[i,i]; null while one of its cells is missing.</summary>
    public double? JustTrainedAverage => Mean(JustTrained);

    /// <summary>
    /// Forgetting measure in percentage points, 1/(T − 1) Σ_{i&lt;T} (max_{i≤j&lt;T} A[j,i] − A[T,i]) (Chaudhry et al. 2018). Null while a cell is
    /// missing, and for a single task, which cannot be forgotten.
    /// </summary>
    public double? Forgetting => IsComplete && Tasks > 1
        ? Enumerable.Range(0, Tasks - 1).Sum(task => Enumerable.Range(task, Tasks - 1 - task).Max(stage => cells[stage][task]!.Value) - Final[task]!.Value)
            / (Tasks - 1)
        : null;

    /// <summary>Accuracy in percent on a task after a stage, null while unknown.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The cell lies above the diagonal or outside the matrix, or the value is not within 0 … 100.</exception>
    public double? this[int stage, int task]
    {
        get => cells[CheckedStage(stage)][CheckedTask(stage, task)];
        set
        {
            if (value is not null and not (>= 0 and <= 100))
            {
                throw new ArgumentOutOfRangeException(nameof(value), value, "An accuracy in percent lies within 0 and 100.");
            }

            cells[CheckedStage(stage)][CheckedTask(stage, task)] = value;
        }
    }

    private static double? Mean(IReadOnlyList<double?> values) => values.All(value => value is not null) ? values.Sum()!.Value / values.Count : null;

    private int CheckedStage(int stage) => stage >= 0 && stage < Tasks
        ? stage
        : throw new ArgumentOutOfRangeException(nameof(stage), stage, $"The stages are 0 to {Tasks - 1}.");

    private static int CheckedTask(int stage, int task) => task >= 0 && task <= stage
        ? task
        : throw new ArgumentOutOfRangeException(nameof(task), task, $"After stage {stage} the tasks are 0 to {stage}.");
}
