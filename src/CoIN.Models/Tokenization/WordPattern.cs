using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace CoIN.Models.Tokenization;

/// <summary>
/// How Qwen's tokenizers cut a text before they merge bytes: contractions, words with the character before them, single digits, runs of
/// other characters, line ends, spaces. .NET's regular expressions see halves of characters beyond U+FFFF, which have no category, so
/// letters and numbers among these are listed.
/// </summary>
internal static class WordPattern
{
    private static readonly Lazy<Regex> Made = new(Make);

    public static Regex Words => Made.Value;

    private static Regex Make()
    {
        var letters = Beyond(category => category <= UnicodeCategory.OtherLetter);
        var numbers = Beyond(category =>
            category is UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber
        );
        const string Pair = @"[\uD800-\uDBFF][\uDC00-\uDFFF]";
        var letter = $@"(?:\p{{L}}|{letters})";
        var number = $@"(?:\p{{N}}|{numbers})";
        string Other(string besides) => $@"(?:[^{besides}\p{{L}}\p{{N}}\uD800-\uDFFF]|(?!{letters}|{numbers}){Pair})";

        // ſ is a form of s to a pattern that ignores case.
        const string Contraction = "'(?:[sSſ]|[tT]|[rR][eE]|[vV][eE]|[mM]|[lL][lL]|[dD])";
        return new Regex(
            $@"{Contraction}|{Other(@"\r\n")}?{letter}+|{number}| ?{Other(@"\s")}+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
            RegexOptions.Compiled | RegexOptions.CultureInvariant
        );
    }

    /// <summary>A pattern for the characters beyond U+FFFF of some categories, by their two halves.</summary>
    private static string Beyond(Func<UnicodeCategory, bool> wanted)
    {
        // Ranges of second halves by first half; first halves with the same ranges stand together.
        var ranges = new SortedDictionary<int, StringBuilder>();
        for (var high = 0xD800; high <= 0xDBFF; high++)
        {
            for (var low = 0xDC00; low <= 0xDFFF; low++)
            {
                if (!Is(high, low))
                {
                    continue;
                }

                var first = low;
                while (low < 0xDFFF && Is(high, low + 1))
                {
                    low++;
                }

                var text = ranges.TryGetValue(high, out var known) ? known : ranges[high] = new StringBuilder();
                text.Append(CultureInfo.InvariantCulture, $@"\u{first:X4}-\u{low:X4}");
            }
        }

        var groups = ranges.GroupBy(pair => pair.Value.ToString(), pair => $@"\u{pair.Key:X4}", StringComparer.Ordinal);
        return $"(?:{string.Join('|', groups.Select(group => $"[{string.Concat(group)}][{group.Key}]"))})";

        bool Is(int high, int low) => wanted(Rune.GetUnicodeCategory(new Rune((char)high, (char)low)));
    }
}
