using System.Globalization;
using System.Text.RegularExpressions;
using CoIN.Benchmark.Data;

namespace CoIN.Benchmark.Scoring.Corrected;

/// <summary>
/// Right if the prediction names the right option of a multiple-choice question, by its letter or by its text, and no other. The published
/// rule takes the first word of one character, so that "A good answer would be C" is A and "I think it is D" is none.
/// </summary>
internal sealed partial class OptionScorer(string key) : CorrectedScorer(key)
{
    private const int UsualOptions = 5;

    // What stands for the letters of two options: no answer, and no reason to look further.
    private const int Ambiguous = -1;

    protected override double Compare(TestSample sample, string prediction)
    {
        var options = OptionLines.Read(sample.Text).Select(AnswerText.Normalize).ToList();
        var right = RightIndex(sample, options);
        var count = sample.Choices ?? (options.Count > 0 ? options.Count : Math.Max(UsualOptions, right + 1));
        return right < count && Named(prediction.Trim(), count, options) == right ? 1 : 0;
    }

    /// <summary>0-based index of the option that an answer names; null or less than 0 for none, or for more than one.</summary>
    /// <param name="count">Number of options.</param>
    /// <param name="options">Their normalised texts; empty where they are not known.</param>
    internal static int? Named(string answer, int count, IReadOnlyList<string> options)
    {
        if (ByLetter(Alone().Match(answer)) is { } alone)
        {
            return alone;
        }

        if (WholeText(answer, options) is { } whole)
        {
            return whole;
        }

        if (ByLetter(Leading().Match(answer)) is { } leading)
        {
            return leading;
        }

        if (One(Stated().Matches(answer), count) is { } stated)
        {
            return stated;
        }

        // In running text a capital may be part of a name, and a short option part of a phrase: they must not contradict each other.
        var (letter, text) = (Negation().IsMatch(answer) ? null : One(Capitals().Matches(answer), count), TextWithin(answer, options));
        return letter is null || text is null || letter == text ? letter ?? text : Ambiguous;
    }

    private static int? ByLetter(Match match) => match.Success ? char.ToUpperInvariant(match.Groups["letter"].Value[0]) - 'A' : null;

    private static int? One(MatchCollection matches, int count) =>
        matches.Select(match => ByLetter(match)!.Value).Where(index => index < count).Distinct().ToList() switch
        {
            [] => null,
            [var one] => one,
            _ => Ambiguous,
        };

    private static int? WholeText(string answer, IReadOnlyList<string> options)
    {
        var given = AnswerText.Normalize(answer);
        var equal = Enumerable.Range(0, options.Count).Where(index => options[index] == given).ToList();
        return equal is [var one] ? one : null;
    }

    /// <summary>
    /// The only option whose text is in the answer as whole words; an option within another that is there too ("iron" in "cast iron") does
    /// not count.
    /// </summary>
    private static int? TextWithin(string answer, IReadOnlyList<string> options)
    {
        var given = AnswerText.Normalize(answer);
        var within = Enumerable
            .Range(0, options.Count)
            .Where(index => options[index].Length > 0 && AnswerText.ContainsWords(given, options[index]))
            .ToList();
        var longest = within
            .Where(index =>
                !within.Any(other =>
                    options[other].Length > options[index].Length && AnswerText.ContainsWords(options[other], options[index])
                )
            )
            .ToList();
        return longest is [var one] ? one : null;
    }

    /// <summary>0-based index of the right option; null where the truth is none.</summary>
    /// <param name="truth">A letter in CoIN's files, an index in ScienceQA's own, and maybe an option's text.</param>
    /// <param name="options">The options' normalised texts.</param>
    internal static int? IndexOf(string truth, IReadOnlyList<string> options)
    {
        var answer = truth.Trim();
        if (ByLetter(Alone().Match(answer)) is { } letter)
        {
            return letter;
        }

        if (int.TryParse(answer, NumberStyles.None, CultureInfo.InvariantCulture, out var index))
        {
            return index;
        }

        return WholeText(answer, options);
    }

    private int RightIndex(TestSample sample, IReadOnlyList<string> options) =>
        IndexOf(sample.Answer, options)
        ?? throw new CoinException(
            $"Question {sample.QuestionId}: the answer \"{sample.Answer}\" is neither an option's letter nor its index nor the text of one of its options, "
                + $"which the scorer {Key} needs. Correct the test file, or choose another scorer for the task."
        );

    // B   (b)   "B."   **B**
    [GeneratedRegex(@"\A[\W_]*(?<letter>[A-Za-z])[\W_]*\z", RegexOptions.CultureInvariant)]
    private static partial Regex Alone();

    // B. iron   (B) iron   b) iron   B: iron
    [GeneratedRegex(@"\A[\W_]*(?<letter>[A-Za-z])(?:[.:][\s*]+|\s*\)[\s*]*|\s+[-\u2013\u2014]\s+)\S", RegexOptions.CultureInvariant)]
    private static partial Regex Leading();

    // The answer is B answer: (b) the correct option would be B, since … A small letter only where no word follows, as "a" is an article.
    [GeneratedRegex(
        @"(?i:\b(?:answer|option|choice)\b)(?i:\s+(?:is|would\s+be|should\s+be|must\s+be))?\s*[:=]?\s*(?i:\b(?:option|choice)\s+)?[""'(*]*(?:(?<letter>[A-Z])(?![\w'\u2019])|(?<letter>[a-z])(?=[)\].,;:!""'*]*\s*\z))",
        RegexOptions.CultureInvariant
    )]
    private static partial Regex Stated();

    // A capital on its own, but not the pronoun I, and not an A that is an article.
    [GeneratedRegex(
        @"(?<![\w'\u2019.])(?:(?<letter>[B-HJ-Z])(?![\w'\u2019])|(?<letter>A)(?![\w'\u2019]|\s+(?!or\b|and\b)[\p{Ll}\d]))",
        RegexOptions.CultureInvariant
    )]
    private static partial Regex Capitals();

    [GeneratedRegex(@"\b(?:not|neither|nor)\b|n['\u2019]t\b", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Negation();
}
