using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using CoIN.Benchmark.Scoring.Published;
using CoIN.Benchmark.Scoring.Python;
using CoIN.Benchmark.Texts;

namespace CoIN.Benchmark.Scoring.Corrected;

/// <summary>
/// The form in which the corrected rules compare answers: what people would call the same word is the same, and nothing else is. It follows
/// the idea of VQA's evaluation (Antol et al. 2015) without the oddities of its code, for instance that a mark beside a space anywhere
/// changes how it is treated everywhere.
/// </summary>
internal static partial class AnswerText
{
    /// <summary>
    /// Forms of one character are one; case, apostrophes and articles before a word go; number words up to ten become digits; initials are
    /// joined (U.S.A. is USA); other punctuation separates words, but a point, colon or slash between digits, a sign before them, and
    /// symbols such as % and $ stay, and a comma between digits goes. A text of punctuation alone stays as it is.
    /// </summary>
    public static string Normalize(string answer)
    {
        var folded = PythonText.Lower(PythonText.Upper(CharacterForms.Fold(answer)));
        var plain = Initials()
            .Replace(folded, match =>
                match.Value.Replace(".", "", StringComparison.Ordinal).Replace(" ", "", StringComparison.Ordinal) + " "
            );
        var words = PythonText.Split(WithoutMarks(plain)).Select(word => TextVqaTables.Numbers.GetValueOrDefault(word, word)).ToList();

        // "vitamin a" ends with no article.
        var kept = words.Where((word, place) => place == words.Count - 1 || !TextVqaTables.Articles.Contains(word)).ToList();
        return kept.Count > 0 ? string.Join(' ', kept) : PythonText.Strip(folded);
    }

    /// <summary>Whether a normalised text holds the words of another in their order, as whole words.</summary>
    public static bool ContainsWords(string text, string words) => $" {text} ".Contains($" {words} ", StringComparison.Ordinal);

    private static string WithoutMarks(string text)
    {
        var runes = text.EnumerateRunes().ToArray();
        var plain = new StringBuilder(text.Length);
        for (var place = 0; place < runes.Length; place++)
        {
            var rune = runes[place];
            var before = place > 0 ? runes[place - 1] : (Rune?)null;
            var after = place + 1 < runes.Length ? runes[place + 1] : (Rune?)null;
            switch (rune.Value)
            {
                case '\'' or '\u2018' or '\u2019' or '`' or '\u00B4':
                    break;
                case ',' when IsDigit(before) && IsDigit(after):
                    break;
                case '.' when IsDigit(after) && !IsWord(before):
                    plain.Append("0.");
                    break;
                case '.' or ':' or '/' when IsDigit(before) && IsDigit(after):
                case '-' or '\u2212' when IsDigit(after) && !IsWord(before):
                    plain.Append(rune.Value == '\u2212' ? '-' : (char)rune.Value);
                    break;
                default:
                    plain.Append(Stays(rune) ? rune : new Rune(' '));
                    break;
            }
        }

        return plain.ToString();
    }

    private static bool IsDigit(Rune? rune) => rune is { } known && PythonText.IsDigit(known);

    private static bool IsWord(Rune? rune) => rune is { } known && PythonText.IsWord(known);

    private static bool Stays(Rune rune) =>
        rune.Value is '%' or '#' or '&' or '+' or '*'
        || Rune.GetUnicodeCategory(rune)
            is UnicodeCategory.UppercaseLetter
                or UnicodeCategory.LowercaseLetter
                or UnicodeCategory.TitlecaseLetter
                or UnicodeCategory.ModifierLetter
                or UnicodeCategory.OtherLetter
                or UnicodeCategory.NonSpacingMark
                or UnicodeCategory.SpacingCombiningMark
                or UnicodeCategory.EnclosingMark
                or UnicodeCategory.DecimalDigitNumber
                or UnicodeCategory.LetterNumber
                or UnicodeCategory.OtherNumber
                or UnicodeCategory.CurrencySymbol
                or UnicodeCategory.OtherSymbol;

    [GeneratedRegex(@"(?<![\p{L}\p{N}])\p{L}\.(?:\s?\p{L}\.)*(?:\p{L}(?![\p{L}\p{N}]))?", RegexOptions.CultureInvariant)]
    private static partial Regex Initials();
}
