using CoIN.Benchmark.Published;

namespace CoIN.Benchmark.Reports.Paper;

/// <summary>
/// Letters for the reasons to read published numbers with care: beside a column's head where they hold for the whole column, else beside
/// the cell.
/// </summary>
internal static class PublishedNotes
{
    /// <summary>Places of the reasons that hold for a whole column, but not for all of them.</summary>
    public static IReadOnlyList<int> OfColumn(PublishedMeasure measure, int task) =>
        [
            .. measure
                .Caveats.Select((caveat, place) => (caveat, place))
                .Where(one => HasColumn(one.caveat, task) && !IsOfAll(measure, one.caveat))
                .Select(one => one.place),
        ];

    /// <summary>Places of the reasons that hold for every column: they need no letters.</summary>
    public static IReadOnlyList<int> OfAll(PublishedMeasure measure) =>
        [.. measure.Caveats.Select((caveat, place) => (caveat, place)).Where(one => IsOfAll(measure, one.caveat)).Select(one => one.place)];

    /// <summary>Places of the reasons that hold for a cell and not for its column.</summary>
    public static IReadOnlyList<int> OfCell(PublishedMeasure measure, int stage, int task) =>
        [.. measure.CaveatsOf(stage, task).Except(OfColumn(measure, task)).Except(OfAll(measure))];

    /// <summary>The letters of reasons, e.g. <c>a,c</c>.</summary>
    public static string Letters(IEnumerable<int> places) => string.Join(",", places.Select(Letter));

    /// <summary>A text with letters behind it in brackets, where there are any.</summary>
    public static string After(string text, IReadOnlyList<int> places) => places.Count > 0 ? $"{text} [{Letters(places)}]" : text;

    /// <summary>A text with letters before it in brackets, so that numbers stay below each other.</summary>
    public static string Before(string text, IReadOnlyList<int> places) => places.Count > 0 ? $"[{Letters(places)}] {text}" : text;

    /// <summary>The reasons with their letters.</summary>
    /// <param name="shown">Places of those that concern cells which are shown; null for all.</param>
    public static IReadOnlyList<string> All(PublishedMeasure measure, IEnumerable<int>? shown = null) =>
        [
            .. measure
                .Caveats.Select((caveat, place) => (caveat, place))
                .Where(one => shown?.Contains(one.place) ?? true)
                .Select(one =>
                    $"{(IsOfAll(measure, one.caveat) ? "[all columns]" : $"[{Letter(one.place)}]")} {(one.caveat.Unlike ? "Not comparable: " : "")}{one.caveat.Text}"
                ),
        ];

    private static bool HasColumn(PublishedCaveat caveat, int task) => caveat.Cells.Contains(new PublishedCell(null, task));

    private static bool IsOfAll(PublishedMeasure measure, PublishedCaveat caveat) =>
        Enumerable.Range(0, measure.Matrix.Tasks).All(task => HasColumn(caveat, task));

    private static string Letter(int place) =>
        place < 26 ? ((char)('a' + place)).ToString() : Letter((place / 26) - 1) + Letter(place % 26);
}
