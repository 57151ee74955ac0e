using System.Globalization;
using System.Text;
using CoIN.Benchmark.Scoring.Python;

namespace CoIN.Benchmark.Judging;

/// <summary>
/// The reference's reading of a judge's reply (<c>evaluate_score.py</c>), with its quirks: "Score: 10" is 1, "8.5/10" is 0.
/// </summary>
public static class PublishedReply
{
    private const double Highest = 10;

    /// <summary>
    /// A number up to 10 counts as it is, a negative one too; of a fraction the part before the stroke, if it is of digits alone; of
    /// anything else the first digit 1 to 9.
    /// </summary>
    /// <returns>What is added to the sum, of 10; null where the reference ends with an error ("½/10").</returns>
    public static double? Score(string reply)
    {
        if (PythonFloat.Parse(reply) is { } number)
        {
            return number <= Highest ? number : 0;
        }

        var stroke = reply.IndexOf('/', StringComparison.Ordinal);
        if (stroke >= 0)
        {
            return BeforeStroke(reply[..stroke]);
        }

        var digit = reply.IndexOfAny(['1', '2', '3', '4', '5', '6', '7', '8', '9']);
        return digit < 0 ? 0 : reply[digit] - '0';
    }

    /// <summary>100 · Σ scores / (10 · replies); a reply that the reference cannot read at all counts 0.</summary>
    public static double Percent(IReadOnlyCollection<double?> scores) => 100 * (scores.Sum(score => score ?? 0) / (Highest * scores.Count));

    private static double? BeforeStroke(string text)
    {
        var runes = text.EnumerateRunes().ToList();
        if (runes.Count == 0 || !runes.TrueForAll(IsNumeric))
        {
            return 0;
        }

        return PythonFloat.Parse(text) is { } number
            ? number <= Highest
                ? number
                : 0
            : null;
    }

    /// <summary>Python's <c>str.isnumeric()</c> of one character, but for the ideographs that stand for numbers.</summary>
    private static bool IsNumeric(Rune rune) =>
        Rune.GetUnicodeCategory(rune) is UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber;
}
