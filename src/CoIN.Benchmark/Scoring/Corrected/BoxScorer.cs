using System.Globalization;
using System.Text.RegularExpressions;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Scoring.Published;

namespace CoIN.Benchmark.Scoring.Corrected;

/// <summary>
/// Right if the predicted box and the true one overlap with an IoU above one half. The box may stand in any brackets and among words, and
/// its corners in either order, but it has four numbers, neither fewer nor more: those of the only brackets that hold four, else all
/// numbers of the text. The published rules lose the last digit of a coordinate (LLaVA), or do not see 0.0, whole numbers and signs and
/// pass over surplus numbers (MiniGPT-v2).
/// </summary>
/// <param name="unpadded">Whether the truth is the box in the unpadded image, which MiniGPT-v2 is asked for.</param>
internal sealed partial class BoxScorer(string key, bool unpadded) : CorrectedScorer(key)
{
    protected override double Compare(TestSample sample, string prediction)
    {
        var truth = Ordered(Box.Truth(sample.QuestionId, unpadded ? sample.UnpaddedBox ?? sample.Answer : sample.Answer));
        return Parse(prediction) is { } box && Box.IntersectionOverUnion(box, truth) > 0.5 ? 1 : 0;
    }

    /// <summary>The box that a text names, with its corners in order; null if it names none or it is not clear which.</summary>
    internal static Box? Parse(string text)
    {
        var bracketed = Brackets().Matches(text).Select(match => Read(match.Value)).OfType<Box>().ToList();
        return bracketed.Count == 1 ? bracketed[0]
            : bracketed.Count == 0 ? Read(text)
            : null;
    }

    private static Box? Read(string text)
    {
        var numbers = Numbers()
            .Matches(text)
            .Select(match => double.Parse(match.Value, NumberStyles.Float, CultureInfo.InvariantCulture))
            .ToArray();
        return numbers is [var x1, var y1, var x2, var y2] ? Ordered(new Box(x1, y1, x2, y2)) : null;
    }

    private static Box Ordered(Box box) =>
        new(Math.Min(box.X1, box.X2), Math.Min(box.Y1, box.Y2), Math.Max(box.X1, box.X2), Math.Max(box.Y1, box.Y2));

    [GeneratedRegex(@"[\[({<][^\[\](){}<>]*[\])}>]", RegexOptions.CultureInvariant)]
    private static partial Regex Brackets();

    [GeneratedRegex(@"(?<![\w.])[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?![\w])", RegexOptions.CultureInvariant)]
    private static partial Regex Numbers();
}
