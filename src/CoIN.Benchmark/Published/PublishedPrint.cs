namespace CoIN.Benchmark.Published;

/// <summary>What a row of one of the paper's tables says that sums a matrix up, to the decimals that are printed.</summary>
/// <param name="Table">Number of the table, e.g. <c>8</c>.</param>
/// <param name="Row">Name of its row, e.g. <c>MoELoRA</c>.</param>
/// <param name="Maa">MAA in percent.</param>
/// <param name="Bwt">BWT in points.</param>
/// <param name="ZeroShotMean">Mean of the zero-shot row in percent; null where the table has none.</param>
/// <param name="MultiTaskMean">Mean of the multi-task row in percent; null where the table has none.</param>
/// <param name="Deviation">What is known to be wrong with the row; null for nothing.</param>
public sealed record PublishedPrint(
    string Table,
    string Row,
    double Maa,
    double Bwt,
    double? ZeroShotMean = null,
    double? MultiTaskMean = null,
    string? Deviation = null
);
