namespace CoIN.Benchmark.Metrics;

/// <summary>
/// The accuracy matrix of a run over T tasks: cell [j, i] is the accuracy in percent on task i after stage j (both 0-based). Where tasks
/// are learned one after another there is a stage for each, and the cells are those with i ≤ j: a lower triangle. Where all are learned at
/// once there is one row with all T cells. Cells of tasks that are not tested after a stage do not exist; a cell that is not measured yet
/// is null.
/// </summary>
public sealed class AccuracyMatrix
{
    private readonly double?[][] cells;
    private readonly bool[][] exist;
    private readonly IReadOnlyList<int> own;

    /// <summary>A lower triangle without any measured cell.</summary>
    /// <param name="tasks">T, at least 1.</param>
    public AccuracyMatrix(int tasks)
        : this(tasks, [.. Enumerable.Range(1, Math.Max(tasks, 0)).Select(stage => (IReadOnlyList<int>)[.. Enumerable.Range(0, stage)])]) { }

    /// <summary>A matrix without any measured cell.</summary>
    /// <param name="tasks">T, at least 1.</param>
    /// <param name="tests">For each stage the tasks that are tested after it, 0-based; at least one stage.</param>
    /// <param name="learned">For each task the stage after which it has just been learned; null for the first one that tests it.</param>
    public AccuracyMatrix(int tasks, IReadOnlyList<IReadOnlyList<int>> tests, IReadOnlyList<int>? learned = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(tasks);
        ArgumentOutOfRangeException.ThrowIfZero(tests.Count);
        Tasks = tasks;

        // A row ends with the last task that is tested after its stage.
        cells = [.. tests.Select(row => new double?[row.Count == 0 ? 0 : row.Max() + 1])];
        exist = [.. cells.Select((row, stage) => Enumerable.Range(0, row.Length).Select(tests[stage].Contains).ToArray())];
        own = learned ?? [.. Enumerable.Range(0, tasks).Select(task => Math.Max(0, tests.ToList().FindIndex(row => row.Contains(task))))];
    }

    /// <summary>A matrix from its rows.</summary>
    /// <param name="rows">
    /// T rows of a lower triangle: row j has either its j + 1 cells, or T cells of which those above the diagonal are null. Or a single row
    /// of several cells: all tasks were learned at once.
    /// </param>
    /// <exception cref="ArgumentException">The rows form neither.</exception>
    public AccuracyMatrix(IReadOnlyList<IReadOnlyList<double?>> rows)
        : this(
            rows.Count == 1 ? rows[0].Count : rows.Count,
            rows is [{ Count: > 1 } all]
                ?
                [
                    [.. Enumerable.Range(0, all.Count)],
                ]
                : [.. rows.Select((_, stage) => (IReadOnlyList<int>)[.. Enumerable.Range(0, stage + 1)])]
        )
    {
        for (var stage = 0; stage < rows.Count; stage++)
        {
            var (row, length) = (rows[stage], cells[stage].Length);
            var triangular = row.Count == length || (row.Count == rows.Count && row.Skip(length).All(cell => cell is null));
            if (!triangular)
            {
                throw new ArgumentException(
                    $"Row {stage} of {rows.Count} has {row.Count} cells, which is no lower triangle.",
                    nameof(rows)
                );
            }

            for (var task = 0; task < length; task++)
            {
                this[stage, task] = row[task];
            }
        }
    }

    /// <summary>T, the number of tasks.</summary>
    public int Tasks { get; }

    /// <summary>The number of stages: T, or 1 where all tasks are learned at once.</summary>
    public int Stages => cells.Length;

    /// <summary>
    /// Several tasks were learned at once in the only stage: nothing was learned after anything else, and no number about forgetting is
    /// defined.
    /// </summary>
    public bool IsJoint => Stages == 1 && Tasks > 1;

    /// <summary>Why <see cref="Bwt"/> and <see cref="Forgetting"/> are not defined where <see cref="IsJoint"/>.</summary>
    public const string WhyNoTransfer = "not defined: all tasks were learned at once, and nothing after them";

    /// <summary>The cells of every stage, up to the last task that is tested after it: j + 1 of them in a lower triangle.</summary>
    public IReadOnlyList<IReadOnlyList<double?>> Rows => cells;

    /// <summary>Whether every cell is measured.</summary>
    public bool IsComplete => Enumerable.Range(0, Stages).All(stage => Existing(stage).All(cell => cell is not null));

    /// <summary>Every task just after the stage that learned it: the diagonal of a lower triangle.</summary>
    public IReadOnlyList<double?> JustTrained => [.. own.Select((stage, task) => Has(stage, task) ? cells[stage][task] : null)];

    /// <summary>The last row: every task at the end of the run.</summary>
    public IReadOnlyList<double?> Final => [.. Enumerable.Range(0, Tasks).Select(task => Has(Stages - 1, task) ? cells[^1][task] : null)];

    /// <summary>
    /// Mean average accuracy in percent, 1/T Σ_j 1/j Σ_{i≤j} A[j,i] (CoIN, equation 2): the mean over the stages of their rows' means. Null
    /// while a cell is missing.
    /// </summary>
    public double? Maa => IsComplete ? Enumerable.Range(0, Stages).Sum(MeanOf) / Stages : null;

    /// <summary>
    /// Backward transfer in percentage points, 1/T Σ_i (A[T,i] − A[i,i]): the paper divides by T, not by T − 1. Null while a cell is
    /// missing, also one that does not enter: a run without its whole matrix is not finished. Not defined where <see cref="IsJoint"/>.
    /// </summary>
    public double? Bwt =>
        IsComplete && !IsJoint && Final.Zip(JustTrained, (last, first) => last - first).ToList() is var changes && !changes.Contains(null)
            ? changes.Sum() / Tasks
            : null;

    /// <summary>Mean of the last row in percent, 1/T Σ_i A[T,i]; null while one of its cells is missing.</summary>
    public double? LastAverage => Mean(Final);

    /// <summary>Mean of the diagonal in percent, 1/T Σ_i A[i,i]; null while one of its cells is missing.</summary>
    public double? JustTrainedAverage => Mean(JustTrained);

    /// <summary>
    /// Forgetting measure in percentage points, 1/(T − 1) Σ_{i&lt;T} (max_{i≤j&lt;T} A[j,i] − A[T,i]) (Chaudhry et al. 2018). Null while a
    /// cell is missing, for a single task, which cannot be forgotten, and where <see cref="IsJoint"/>.
    /// </summary>
    public double? Forgetting
    {
        get
        {
            var earlier = Enumerable.Range(0, Tasks).Where(task => own[task] < Stages - 1 && Has(Stages - 1, task)).ToList();
            return IsComplete && !IsJoint && earlier.Count > 0
                ? earlier.Sum(task =>
                    Enumerable
                        .Range(own[task], Stages - 1 - own[task])
                        .Where(stage => Has(stage, task))
                        .Max(stage => cells[stage][task]!.Value) - cells[^1][task]!.Value
                ) / earlier.Count
                : null;
        }
    }

    /// <summary>The highest percentage: of CIDEr, which is no part of a whole. All other rules end at 100.</summary>
    internal const double Highest = 1000;

    /// <summary>Accuracy in percent on a task after a stage, null while unknown.</summary>
    /// <exception cref="ArgumentOutOfRangeException">
    /// The cell lies above the diagonal or outside the matrix, or the value is not within 0 … 1000.
    /// </exception>
    public double? this[int stage, int task]
    {
        get => cells[CheckedStage(stage)][CheckedTask(stage, task)];
        set
        {
            if (value is not null and not (>= 0 and <= Highest))
            {
                throw new ArgumentOutOfRangeException(
                    nameof(value),
                    value,
                    "An accuracy in percent lies within 0 and 100, CIDEr within 0 and 1000."
                );
            }

            cells[CheckedStage(stage)][CheckedTask(stage, task)] = value;
        }
    }

    /// <summary>Whether a task is tested after a stage.</summary>
    /// <param name="stage">From 0.</param>
    /// <param name="task">From 0.</param>
    public bool Has(int stage, int task) => stage >= 0 && stage < Stages && task >= 0 && task < cells[stage].Length && exist[stage][task];

    /// <summary>The 0-based stage after which a task has just been learned.</summary>
    public int OwnStage(int task) => own[task];

    /// <summary>A matrix of the same cells, none of them measured.</summary>
    public AccuracyMatrix Unmeasured() =>
        new(Tasks, [.. exist.Select(row => (IReadOnlyList<int>)[.. Enumerable.Range(0, row.Length).Where(task => row[task])])], own);

    private static double? Mean(IReadOnlyList<double?> values) =>
        values.All(value => value is not null) ? values.Sum()!.Value / values.Count : null;

    private IEnumerable<double?> Existing(int stage) => cells[stage].Where((_, task) => exist[stage][task]);

    private double MeanOf(int stage) => Existing(stage).Sum()!.Value / Existing(stage).Count();

    private int CheckedStage(int stage) =>
        stage >= 0 && stage < Stages
            ? stage
            : throw new ArgumentOutOfRangeException(nameof(stage), stage, $"The stages are 0 to {Stages - 1}.");

    private int CheckedTask(int stage, int task) =>
        Has(stage, task)
            ? task
            : throw new ArgumentOutOfRangeException(
                nameof(task),
                task,
                $"After stage {stage} the tasks are {string.Join(", ", Enumerable.Range(0, Tasks).Where(one => Has(stage, one)))}."
            );
}
