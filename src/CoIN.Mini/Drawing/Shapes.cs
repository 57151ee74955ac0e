namespace CoIN.Mini.Drawing;

/// <summary>The plain shapes of the miniature world, by name.</summary>
internal static class Shapes
{
    private static readonly Dictionary<string, Func<double, double, bool>> Rules = new()
    {
        ["circle"] = (x, y) => (x * x) + (y * y) <= 1,
        ["square"] = (_, _) => true,
        ["triangle"] = (x, y) => Math.Abs(x) <= (y + 1) / 2,
        ["cross"] = (x, y) => Math.Abs(x) <= 0.34 || Math.Abs(y) <= 0.34,
        ["diamond"] = (x, y) => Math.Abs(x) + Math.Abs(y) <= 1,
        ["ring"] = (x, y) => (x * x) + (y * y) is <= 1 and >= 0.3,
    };

    public static IReadOnlyList<string> Names { get; } = [.. Rules.Keys];

    /// <summary>Several of a shape in words.</summary>
    public static string Plural(string shape) => shape == "cross" ? "crosses" : shape + "s";

    /// <summary>Draws a shape into a box.</summary>
    public static void Draw(Canvas canvas, string shape, int left, int top, int width, int height, Rgb colour) =>
        canvas.Where(left, top, width, height, Rules[shape], colour);
}
