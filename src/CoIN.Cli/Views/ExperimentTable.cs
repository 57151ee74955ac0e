using CoIN.Benchmark.Experiments;

namespace CoIN.Cli.Views;

/// <summary>The runs of an experiment as a table of plain text.</summary>
internal static class ExperimentTable
{
    private const string Gap = "  ";

    /// <summary>What each run is: its variant, its method and the value of each varied key.</summary>
    /// <param name="options">Of each run, in their order.</param>
    public static IReadOnlyList<string> OfSettings(ExperimentRuns experiment, IReadOnlyList<ExperimentOptions> options)
    {
        var method = !experiment.VariedKeys.Contains("method");
        return Lines(
        [
            ["run", .. method ? ["method"] : Array.Empty<string>(), .. experiment.VariedKeys],
            .. experiment.Runs.Select((run, place) => (IReadOnlyList<string>)
            [
                run.Name, .. method ? [options[place].Method] : Array.Empty<string>(),
                .. experiment.VariedKeys.Select(key => run.Values[key] is { Length: > 0 } value ? value : "-"),
            ]),
        ]);
    }

    /// <summary>Rows as lines of aligned columns; numbers are set to the right.</summary>
    public static IReadOnlyList<string> Lines(IReadOnlyList<IReadOnlyList<string>> rows)
    {
        var columns = Enumerable.Range(0, rows.Max(row => row.Count)).Select(column => rows.Select(row => row.ElementAtOrDefault(column) ?? "").ToList()).ToList();
        var widths = columns.Select(column => column.Max(text => text.Length)).ToList();
        var right = columns.Select(column => column.Skip(1).All(text => text.Length == 0 || char.IsAsciiDigit(text[^1]) || text is "-" or "?")).ToList();
        return [.. rows.Select(row => string.Join(Gap, row.Select((text, column) => right[column] && column > 0
            ? text.PadLeft(widths[column]) : text.PadRight(widths[column]))).TrimEnd())];
    }
}
