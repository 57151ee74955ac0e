using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace CoIN.Benchmark.Judging;

/// <summary>
/// What a judge's reply means. It is looked for in this order: a first line that is nothing but a score, which is what was asked for; a
/// score in a box or between tags; a line or sentence that begins with a score by its name ("Score: 8"), whatever is said after it; a
/// fraction of ten or Chinese points; a number that is called a score somewhere; a sentence that is nothing but a score. The first of these
/// that the reply has decides, if all of its kind agree on one value from 0 to 10; otherwise the reply has no score. The published rule
/// takes the first digit of "Score: 10", gives "8.5/10" nothing and a refusal 0.
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
            Boxed().Matches(text).Select(Value),
            lines
                .SelectMany(line => Sentences().Split(line))
                .Select(sentence => Named().Match(sentence))
                .Where(match => match.Success)
                .Select(Value),
            OfTen().Matches(text).Concat(Points().Matches(text)).Select(Value),
            Called().Matches(text).Select(Value),
            lines.SelectMany(line => Pieces().Split(line)).Select(Alone).OfType<double>(),
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
        foreach (var rune in SpecialTokens().Replace(reply, "").Replace("\r\n", "\n", StringComparison.Ordinal).EnumerateRunes())
        {
            plain.Append(
                Rune.GetUnicodeCategory(rune) == UnicodeCategory.DecimalDigitNumber
                    ? ((int)Rune.GetNumericValue(rune)).ToString(CultureInfo.InvariantCulture)
                    : rune.Value switch
                    {
                        0xFF0F or 0x2044 or 0x2215 => "/",
                        0xFF1A => ":",
                        0xFF0E => ".",
                        '*' or '`' => "",
                        '_' => " ",
                        0x2212 => "-",
                        _ => rune.ToString(),
                    }
            );
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

    private const string Digits = @"(?<score>[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))";

    // A number that is part of something else is none: of a range ("7 or 8"), a list, a date, a word, a number with a decimal comma; nor is
    // one that numbers what is scored ("Assistant 1: 8").
    private const string Number = @"(?<![\w.,/-])" + Digits + @"(?![\w/%-[分点점]]|[.,-][0-9]|\s*[:=]\s*[0-9]|\s*(?:or|to|[–—~])\s*[0-9])";

    // Before 10 a bracket may open; after it stands no further number.
    private const string Ten = @"\s*\(?\s*(?:/|out\s+of|of)\s*10(?:\.0*)?(?:\s*[分点점])?(?![\w/]|[.,-][0-9])";

    private const string ScoreWords = @"(?:scores?|ratings?|grades?|marks?|overall|assistant|评分|得分|分数|打分|总分|给分|评价)";

    // Chat templates' own tokens, which some servers leave in the text.
    [GeneratedRegex(@"<\|[^|<>\n]{1,40}\|>|</?s>", RegexOptions.CultureInvariant)]
    private static partial Regex SpecialTokens();

    [GeneratedRegex(
        @"\A[\s(\[{<""'“‘$]*(?:"
            + Digits
            + @"(?:"
            + Ten
            + @"|\s*(?:points?|[分点점]))?|(?<word>zero|one|two|three|four|five|six|seven|eight|nine|ten))"
            + @"[\s)\]}>""'”’.。!,;:$]*\z",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant
    )]
    private static partial Regex NothingElse();

    // \boxed{8}   \boxed{\text{8/10}}   <score>8</score>
    [GeneratedRegex(
        @"\\boxed\s*\{\s*(?:\\text\s*\{\s*)?"
            + Digits
            + @"(?:"
            + Ten
            + @"|\s*[分点점])?\s*\}|<(?<tag>[a-z ]{0,20}(?:score|rating|answer|grade)[a-z ]{0,20})>\s*"
            + Digits
            + @"(?:"
            + Ten
            + @"|\s*[分点점])?\s*</\k<tag>>",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant
    )]
    private static partial Regex Boxed();

    // Score: 8   My final rating is 8/10, since …   {"score": 8, …   评分：8   but not "Score: 7 or 8", nor the scale's own end.
    [GeneratedRegex(
        @"\A\W*(?!(?:the\s+)?(?:max|maximum|full|perfect|highest|best|possible|top)\b)(?:[\p{L}'’]+\s+){0,3}?"
            + ScoreWords
            + @"(?:\s*\([^()\n]{0,40}\))?[\s""'”’)\]]*(?:[:=]|\bis\b|[是为])[\s""'“‘(\[{$]*"
            + Number
            + @"(?:"
            + Ten
            + @")?(?!\s*(?:or|to|and|through|vs|[-–—~/&+])\s*(?:"
            + ScoreWords
            + @"\W*)?[0-9])",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant
    )]
    private static partial Regex Named();

    [GeneratedRegex(@"(?<![\w.,/-])" + Digits + Ten, RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex OfTen();

    // 给8分   8分（满分10分）   but neither the full mark nor a fraction or scale ("10分制").
    [GeneratedRegex(@"(?<![0-9.,/-])(?<!(?:满分|总分)\s*(?:为|是|:)?\s*)" + Digits + @"\s*分(?![之制钟])", RegexOptions.CultureInvariant)]
    private static partial Regex Points();

    [GeneratedRegex(
        @"\b(?:scor(?:e|es|ed|ing)|rat(?:e|es|ed|ing)|grad(?:e|es|ed)|marks?|overall|assistant|give|gives|gave|given|assign|assigned|award|awarded|deserves?|gets?|receives?)\b"
            + @"[^0-9\n.;!?+-]{0,40}?"
            + Number,
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant
    )]
    private static partial Regex Called();

    [GeneratedRegex(@"(?<=[.!?;。！？；])\s+|(?<=[。！？；])", RegexOptions.CultureInvariant)]
    private static partial Regex Sentences();

    [GeneratedRegex(@"(?<=[.!?。:])\s+", RegexOptions.CultureInvariant)]
    private static partial Regex Pieces();
}
