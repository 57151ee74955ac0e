using CoIN.Benchmark.Routing;

namespace CoIN.Benchmark.Reports.Results;

/// <summary>Whom an adapter's experts served while a cell was answered.</summary>
/// <param name="Stage">1-based stage of the adapter; 0 for a run that trains nothing.</param>
internal sealed record RoutedCell(int Stage, string Task, ExpertRouting Routing)
{
    /// <summary>What the numbers are, for people.</summary>
    public const string Definition =
        "A router gives every position (of prompts and answers) weights for the experts of a linear map, which sum to 100 %. Shown is the mean "
        + "over all positions of a task's test set, averaged over the linear maps of a layer, and over the layers.";

    /// <summary>Experts.</summary>
    public int Experts => Routing.Means.Count;

    /// <summary>Reads what there is of a run.</summary>
    /// <exception cref="CoinException">A file is damaged.</exception>
    public static IReadOnlyList<RoutedCell> Of(RunReport report, string folder) =>
        [
            .. report
                .Cells.OrderBy(cell => cell.Stage)
                .ThenBy(cell => report.PlaceOf(cell.Task))
                .Select(cell => (Cell: cell, Routing: cell.RoutingFile is { } file ? RoutingFile.Read(Path.Combine(folder, file)) : null))
                .Where(pair => pair.Routing is { Layers.Count: > 0 })
                .Select(pair => new RoutedCell(pair.Cell.Stage, pair.Cell.Task, pair.Routing!)),
        ];

    /// <summary>Each task's last cell.</summary>
    public static IReadOnlyList<RoutedCell> Final(RunResults results) =>
        [.. results.Report.Tasks.Select(task => results.Routing.LastOrDefault(cell => cell.Task == task)).OfType<RoutedCell>()];

    /// <summary>Each task's cell of the stage that first learned it; nothing where no task has a later one.</summary>
    public static IReadOnlyList<RoutedCell> JustTrained(RunResults results)
    {
        var first = results
            .Report.Tasks.Select(task => results.Routing.FirstOrDefault(cell => cell.Task == task))
            .OfType<RoutedCell>()
            .ToList();
        return first.SequenceEqual(Final(results)) ? [] : first;
    }
}
