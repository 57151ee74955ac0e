using CoIN.Benchmark.Metrics;

namespace CoIN.Benchmark.Published;

/// <summary>A published result by one measure: Truth Alignment, or Reasoning Capability by one judge.</summary>
/// <param name="Judge">Who gave the marks; null for Truth Alignment.</param>
/// <param name="Matrix">Lower triangle in percent; null where a cell is not published.</param>
/// <param name="ZeroShot">Percent, one for each task: the untrained model; empty where it is not published.</param>
/// <param name="MultiTask">Percent, one for each task: after training on all tasks together; empty where it is not published.</param>
/// <param name="Samples">
/// On how many samples columns (stage null) and cells were computed; a cell goes before its column; absent where that is unknown.
/// </param>
/// <param name="Printed">The rows of the paper's tables that are this matrix.</param>
/// <param name="Caveats">Why cells are to be read with care.</param>
public sealed record PublishedMeasure(
    string? Judge,
    AccuracyMatrix Matrix,
    IReadOnlyList<double?> ZeroShot,
    IReadOnlyList<double?> MultiTask,
    IReadOnlyDictionary<PublishedCell, int> Samples,
    IReadOnlyList<PublishedPrint> Printed,
    IReadOnlyList<PublishedCaveat> Caveats
)
{
    /// <summary>Stands for a stage: the row of the untrained model.</summary>
    public const int ZeroShotRow = 0;

    /// <summary>Stands for a stage: the row after training on all tasks together.</summary>
    public const int MultiTaskRow = -1;

    /// <summary>For headings.</summary>
    public string Title => Judge is null ? "Truth Alignment" : $"Reasoning Capability by {Judge}";

    /// <summary>MAA in percent, computed from the matrix; null where a cell is unknown.</summary>
    public double? Maa => Matrix.Maa;

    /// <summary>
    /// BWT in points, 1/T Σ_i (A[T,i] − A[i,i]), computed from diagonal and last row, whatever lies between; null where one of these cells
    /// is unknown.
    /// </summary>
    public double? Bwt
    {
        get
        {
            var changes = Matrix.Final.Zip(Matrix.JustTrained, (final, trained) => final - trained).ToList();
            return changes.Contains(null) ? null : changes.Average();
        }
    }

    /// <summary>
    /// What the cells that are unknown amount to, if the MAA printed is right: their mean in percent, weighted as they enter MAA, 1/j in
    /// row j. Null where none is unknown, or no MAA is printed.
    /// </summary>
    public double? ImpliedMeanOfUnknown
    {
        get
        {
            var (known, weight) = (0.0, 0.0);
            foreach (var row in Matrix.Rows)
            {
                known += row.Sum(cell => cell ?? 0) / row.Count;
                weight += row.Count(cell => cell is null) / (double)row.Count;
            }

            return Printed.Count == 0 || weight == 0 ? null : ((Matrix.Tasks * Printed[0].Maa) - known) / weight;
        }
    }

    /// <summary>A cell in percent, or null.</summary>
    /// <param name="stage">From 1; <see cref="ZeroShotRow"/> or <see cref="MultiTaskRow"/>.</param>
    /// <param name="task">From 0.</param>
    public double? Cell(int stage, int task) =>
        stage switch
        {
            ZeroShotRow => ZeroShot.ElementAtOrDefault(task),
            MultiTaskRow => MultiTask.ElementAtOrDefault(task),
            _ => task < stage ? Matrix[stage - 1, task] : null,
        };

    /// <summary>On how many samples a cell was computed; null where that is not published, or the cell is not.</summary>
    /// <param name="stage">As above.</param>
    /// <param name="task">As above.</param>
    public int? SamplesOf(int stage, int task) =>
        Cell(stage, task) is null ? null
        : Samples.TryGetValue(new PublishedCell(stage, task), out var own) ? own
        : Samples.TryGetValue(new PublishedCell(null, task), out var column) ? column
        : null;

    /// <summary>The reasons to read a cell with care, by their places in <see cref="Caveats"/>; none for an unknown cell.</summary>
    /// <param name="stage">As above.</param>
    /// <param name="task">As above.</param>
    public IReadOnlyList<int> CaveatsOf(int stage, int task) =>
        Cell(stage, task) is null
            ? []
            : [.. Caveats.Select((caveat, place) => (caveat, place)).Where(one => one.caveat.Covers(stage, task)).Select(one => one.place)];

    /// <summary>Whether a cell measures something else than what a run measures.</summary>
    /// <param name="stage">As above.</param>
    /// <param name="task">As above.</param>
    public bool IsUnlike(int stage, int task) => CaveatsOf(stage, task).Any(place => Caveats[place].Unlike);
}
