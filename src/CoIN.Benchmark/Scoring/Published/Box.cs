using CoIN.Benchmark.Scoring.Python;

namespace CoIN.Benchmark.Scoring.Published;

/// <summary>A box by two corners, which need not be in order.</summary>
internal readonly record struct Box(double X1, double Y1, double X2, double Y2)
{
    private double Area => (X2 - X1) * (Y2 - Y1);

    /// <summary>The box scaled about the origin.</summary>
    public static Box operator *(Box box, double factor) => new(box.X1 * factor, box.Y1 * factor, box.X2 * factor, box.Y2 * factor);

    /// <summary>
    /// Intersection over union. Corners in the wrong order give negative areas, which are taken as they are; without a positive union it is
    /// 0.
    /// </summary>
    public static double IntersectionOverUnion(Box a, Box b)
    {
        var width = Math.Max(0, Math.Min(a.X2, b.X2) - Math.Max(a.X1, b.X1));
        var height = Math.Max(0, Math.Min(a.Y2, b.Y2) - Math.Max(a.Y1, b.Y1));
        var intersection = width * height;
        var union = a.Area + b.Area - intersection;
        return union <= 0 ? 0 : intersection / union;
    }

    /// <summary>The box of a text of four numbers between commas, brackets aside; null for any other text.</summary>
    public static Box? Parse(string text)
    {
        var numbers = text.Split(',').Select(PythonFloat.Parse).ToArray();
        return numbers is [{ } x1, { } y1, { } x2, { } y2] ? new Box(x1, y1, x2, y2) : null;
    }

    /// <summary>The text without square brackets.</summary>
    public static string WithoutBrackets(string text) =>
        text.Replace("[", "", StringComparison.Ordinal).Replace("]", "", StringComparison.Ordinal);

    /// <summary>The box that a test file gives as ground truth.</summary>
    /// <exception cref="CoinException">It is no box.</exception>
    public static Box Truth(string questionId, string text) =>
        Parse(WithoutBrackets(text))
        ?? throw new CoinException(
            $"Question {questionId}: the answer \"{text}\" is no box \"[x1, y1, x2, y2]\", which the grounding scorers need. "
                + "Correct the test file, or choose another scorer for the task."
        );
}
