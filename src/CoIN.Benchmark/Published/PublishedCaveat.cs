namespace CoIN.Benchmark.Published;

/// <summary>Why some cells of a published matrix are to be read with care.</summary>
/// <param name="Text">A reason for readers.</param>
/// <param name="Unlike">Whether these cells measure something else, so that a difference from them says nothing.</param>
/// <param name="Cells">The cells.</param>
public sealed record PublishedCaveat(string Text, bool Unlike, IReadOnlyList<PublishedCell> Cells)
{
    /// <summary>Whether a cell is one of them.</summary>
    /// <param name="stage">From 1; <see cref="PublishedMeasure.ZeroShotRow"/> or <see cref="PublishedMeasure.MultiTaskRow"/>.</param>
    /// <param name="task">From 0.</param>
    public bool Covers(int stage, int task) => Cells.Any(cell => cell.Task == task && (cell.Stage is null || cell.Stage == stage));
}

/// <summary>A cell, or a column.</summary>
/// <param name="Stage">
/// From 1; <see cref="PublishedMeasure.ZeroShotRow"/> or <see cref="PublishedMeasure.MultiTaskRow"/>; null for the whole column.
/// </param>
/// <param name="Task">From 0.</param>
public readonly record struct PublishedCell(int? Stage, int Task);
