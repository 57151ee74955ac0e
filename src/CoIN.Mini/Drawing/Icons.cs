namespace CoIN.Mini.Drawing;

/// <summary>Things of the miniature world that are more than a shape.</summary>
internal static class Icons
{
    private delegate void Drawing(Canvas canvas, int left, int top, Rgb colour);

    /// <summary>Pixels of an icon, across and down.</summary>
    public const int Size = 32;

    private static readonly Dictionary<string, Drawing> All = new()
    {
        ["boat"] = (canvas, x, y, colour) =>
        {
            canvas.Where(x, y + 20, 32, 10, (u, v) => Math.Abs(u) <= 1 - ((v + 1) * 0.25), colour);
            canvas.Where(x + 8, y, 18, 18, (u, v) => u <= v, colour);
        },
        ["house"] = (canvas, x, y, colour) =>
        {
            Shapes.Draw(canvas, "triangle", x, y, 32, 14, colour);
            canvas.Where(x + 4, y + 14, 24, 16, (u, v) => Math.Abs(u) > 0.3 || v < -0.2, colour);
        },
        ["tree"] = (canvas, x, y, colour) =>
        {
            Shapes.Draw(canvas, "circle", x + 4, y, 24, 20, colour);
            canvas.Fill(x + 13, y + 18, 6, 13, colour);
        },
        ["fish"] = (canvas, x, y, colour) =>
        {
            Shapes.Draw(canvas, "circle", x, y + 8, 24, 16, colour);
            canvas.Where(x + 20, y + 6, 12, 20, (u, v) => Math.Abs(v) <= (u + 1) / 2, colour);
        },
        ["car"] = (canvas, x, y, colour) =>
        {
            canvas.Fill(x, y + 14, 32, 8, colour);
            canvas.Fill(x + 7, y + 6, 16, 8, colour);
            Shapes.Draw(canvas, "circle", x + 3, y + 20, 9, 9, colour);
            Shapes.Draw(canvas, "circle", x + 20, y + 20, 9, 9, colour);
        },
        ["cup"] = (canvas, x, y, colour) =>
        {
            canvas.Fill(x + 2, y + 6, 18, 22, colour);
            Shapes.Draw(canvas, "ring", x + 17, y + 9, 14, 14, colour);
        },
        ["key"] = (canvas, x, y, colour) =>
        {
            Shapes.Draw(canvas, "ring", x, y + 9, 14, 14, colour);
            canvas.Fill(x + 12, y + 14, 20, 4, colour);
            canvas.Fill(x + 22, y + 18, 3, 6, colour);
            canvas.Fill(x + 28, y + 18, 3, 6, colour);
        },
        ["moon"] = (canvas, x, y, colour) =>
            canvas.Where(x + 2, y + 1, 28, 30, (u, v) => (u * u) + (v * v) <= 1 && ((u - 0.5) * (u - 0.5)) + (v * v) > 0.7, colour),
        ["ladder"] = (canvas, x, y, colour) =>
        {
            canvas.Fill(x + 5, y, 4, 32, colour);
            canvas.Fill(x + 23, y, 4, 32, colour);
            for (var rung = 3; rung < 32; rung += 8)
            {
                canvas.Fill(x + 5, y + rung, 22, 3, colour);
            }
        },
        ["flag"] = (canvas, x, y, colour) =>
        {
            canvas.Fill(x + 3, y, 4, 32, colour);
            canvas.Fill(x + 7, y + 2, 22, 13, colour);
        },
        ["arrow"] = (canvas, x, y, colour) =>
        {
            Shapes.Draw(canvas, "triangle", x + 4, y, 24, 15, colour);
            canvas.Fill(x + 12, y + 14, 8, 18, colour);
        },
        ["umbrella"] = (canvas, x, y, colour) =>
        {
            canvas.Where(x, y, 32, 32, (u, v) => (u * u) + (v * v) <= 1 && v < -0.05, colour);
            canvas.Fill(x + 15, y + 14, 3, 17, colour);
            canvas.Fill(x + 10, y + 27, 6, 4, colour);
        },
    };

    public static IReadOnlyList<string> Names { get; } = [.. All.Keys];

    public static void Draw(Canvas canvas, string icon, int left, int top, Rgb colour) => All[icon](canvas, left, top, colour);
}
