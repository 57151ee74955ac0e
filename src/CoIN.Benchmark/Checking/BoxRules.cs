using System.Globalization;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;

namespace CoIN.Benchmark.Checking;

/// <summary>What a Grounding box must be: two corners in parts of the image, the first above and left of the second.</summary>
internal static class BoxRules
{
    // Boxes are written with two digits.
    private const double Tolerance = 0.02;

    /// <summary>Whether a task's answers are boxes.</summary>
    public static bool ApplyTo(TaskOptions task) => task.Scorer is "box" || task.Scorer.StartsWith("grounding", StringComparison.Ordinal);

    /// <summary>Checks one box.</summary>
    /// <param name="what">How the message calls it, e.g. <c>the answer</c>.</param>
    public static IEnumerable<Flaw> Check(string what, string text)
    {
        if (Parse(text) is not [var x1, var y1, var x2, var y2] box)
        {
            yield return new Flaw(FindingKind.BadBox, $"{what} \"{text}\" is not four numbers");
        }
        else if (x1 >= x2 || y1 >= y2)
        {
            yield return new Flaw(FindingKind.BadBox, $"{what} \"{text}\" encloses no area");
        }
        else if (box.Any(value => value is < 0 or > 1))
        {
            yield return new Flaw(FindingKind.BoxOutOfRange, $"{what} \"{text}\" reaches outside 0 to 1");
        }
    }

    /// <summary>Checks that the box in the padded square and the one in the image as it is are the same place.</summary>
    public static IEnumerable<Flaw> Compare(string padded, string unpadded, (double Width, double Height) size)
    {
        if (Parse(padded) is not { } inSquare || Parse(unpadded) is not { } inImage)
        {
            yield break;
        }

        var side = Math.Max(size.Width, size.Height);
        double[] expected =
        [
            .. inImage.Select(
                (value, i) =>
                    i % 2 == 0
                        ? ((value * size.Width) + ((side - size.Width) / 2)) / side
                        : ((value * size.Height) + ((side - size.Height) / 2)) / side
            ),
        ];
        if (expected.Zip(inSquare, (one, other) => Math.Abs(one - other)).Max() > Tolerance)
        {
            var text = string.Join(", ", expected.Select(value => value.ToString("0.00", CultureInfo.InvariantCulture)));
            yield return new Flaw(
                FindingKind.BoxesDisagree,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"answer_bbox is \"{padded}\", but origin_answer_bbox \"{unpadded}\" in {size.Width} × {size.Height} pixels is [{text}]"
                )
            );
        }
    }

    private static double[]? Parse(string text)
    {
        var parts = text.Trim().TrimStart('[', '(').TrimEnd(']', ')').Split(',', StringSplitOptions.TrimEntries);
        var numbers = new double[parts.Length];
        for (var i = 0; i < parts.Length; i++)
        {
            if (
                !double.TryParse(parts[i], NumberStyles.Float, CultureInfo.InvariantCulture, out numbers[i]) || !double.IsFinite(numbers[i])
            )
            {
                return null;
            }
        }

        return numbers.Length == 4 ? numbers : null;
    }
}
