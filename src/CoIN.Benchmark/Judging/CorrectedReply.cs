using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace CoIN.Benchmark.Judging;

/// <summary>
/// What a judge's reply means. It is looked for in this order: a first line that is nothing but a score, which is what was asked for; a fraction of ten;
/// a number that is called a score; a sentence that is nothing but a score. The first of these that the reply has decides, if all of its kind agree on one
/// value from 0 to 10; otherwise the reply has no score. The published rule takes the first digit of "Score: 10", gives "8.5/10" nothing and a refusal 0.
/// </summary>
public static partial class CorrectedReply
{
    private const double Highest = 10;

    private static readonly string[] Words = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];

    /// <summary>The score of a reply, 0 to 10; null where it has none or more than one.</summary>
    public static double? Score(string reply)
    {
        // Full-width digits and the like become plain ones; fractions in one character do not count.
        var text = Plain(reply);
        var lines = text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (lines.Length == 0)
        {
            return null;
        }

        if (Alone(lines[0]) is { } asked)
        {
            return InRange(asked);
        }

        IEnumerable<double>[] kinds =
        [
            OfTen().Matches(text).Select(Value),
            Called().Matches(text).Select(Value),
            lines.SelectMany(line => Sentences().Split(line)).Select(Alone).OfType<double>(),
        ];
        var first = kinds.Select(values => values.Distinct().ToList()).FirstOrDefault(values => values.Count > 0);
        return first is [var one] ? InRange(one) : null;
    }

    /// <summary>Mean of the replies' scores times 10; null if none has one.</summary>
    public static double? Percent(IReadOnlyCollection<double?> scores)
    {
        var known = scores.OfType<double>().ToList();
        return known.Count > 0 ? known.Average() * 10 : null;
    }

    private static string Plain(string reply)
    {
        var plain = new StringBuilder(reply.Length);
        foreach (var rune in reply.Replace("\r\n", "\n", StringComparison.Ordinal).EnumerateRunes())
        {
            plain.Append(Rune.GetUnicodeCategory(rune) == UnicodeCategory.DecimalDigitNumber
                ? ((int)Rune.GetNumericValue(rune)).ToString(CultureInfo.InvariantCulture)
                : rune.Value switch { 0xFF0F or 0x2044 or 0x2215 => "/", 0xFF1A => ":", 0xFF0E => ".", '*' or '`' or '_' => "", 0x2212 => "-", _ => rune.ToString() });
        }

        return plain.ToString();
    }

    /// <summary>The score of a text that has nothing else in it.</summary>
    private static double? Alone(string text)
    {
        var match = NothingElse().Match(text);
        if (!match.Success)
        {
            return null;
        }

        var word = match.Groups["word"];
        return word.Success ? Array.IndexOf(Words, word.Value.ToLowerInvariant()) : Value(match);
    }

    private static double Value(Match match) => double.Parse(match.Groups["score"].Value, NumberStyles.Float, CultureInfo.InvariantCulture);

    private static double? InRange(double score) => score is >= 0 and <= Highest ? score : null;

    // A number that is part of something else is none: of a range, a list, a date, a word, a number with a decimal comma.
    private const string Number = @"(?<![\w.,/-])(?<score>[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))(?![\w/%]|[.,-][0-9])";
    private const string Ten = @"\s*(?:/|out\s+of|of)\s*10(?:\.0*)?(?![\w/]|[.,-][0-9])";

    [GeneratedRegex(
        @"\A[\s(\[{<""'“‘]*(?:(?<score>[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))(?:" + Ten + @"|\s*points?)?|(?<word>zero|one|two|three|four|five|six|seven|eight|nine|ten))"
        + @"[\s)\]}>""'”’.。!,;:]*\z", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex NothingElse();

    [GeneratedRegex(
        @"(?<![\w.,/-])(?<score>[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))" + Ten, RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex OfTen();

    [GeneratedRegex(
        @"\b(?:scor(?:e|es|ed|ing)|rat(?:e|es|ed|ing)|grad(?:e|es|ed)|marks?|overall|assistant|give|gives|gave|given|assign|assigned|award|awarded|deserves?|gets?|receives?)\b"
        + @"[^0-9\n.;!?+-]{0,40}?" + Number, RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Called();

    [GeneratedRegex(@"(?<=[.!?。:])\s+", RegexOptions.CultureInvariant)]
    private static partial Regex Sentences();
}
