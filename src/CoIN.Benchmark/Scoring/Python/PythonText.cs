using System.Globalization;
using System.Text;

namespace CoIN.Benchmark.Scoring.Python;

/// <summary>
/// Python's string methods as the reference's scorers use them: full Unicode case mappings, Unicode white space and word characters, all by
/// code point. .NET's own methods map one character to one and work on UTF-16 units.
/// </summary>
internal static class PythonText
{
    /// <summary><c>str.upper()</c>.</summary>
    public static string Upper(string text)
    {
        var upper = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            if (SpecialUpperCase.Table.TryGetValue(rune.Value, out var special))
            {
                upper.Append(special);
            }
            else
            {
                upper.Append(Rune.ToUpperInvariant(rune));
            }
        }

        return upper.ToString();
    }

    /// <summary><c>str.lower()</c>, with its two-character dotted capital I and its word-final sigma.</summary>
    public static string Lower(string text)
    {
        var runes = text.EnumerateRunes().ToArray();
        var lower = new StringBuilder(text.Length);
        for (var place = 0; place < runes.Length; place++)
        {
            switch (runes[place].Value)
            {
                case 0x0130:
                    lower.Append("i\u0307");
                    break;
                case 0x03A3:
                    lower.Append(IsFinalSigma(runes, place) ? '\u03C2' : '\u03C3');
                    break;
                default:
                    lower.Append(Rune.ToLowerInvariant(runes[place]));
                    break;
            }
        }

        return lower.ToString();
    }

    /// <summary><c>str.isspace()</c> of one character: Unicode white space and the four information separators.</summary>
    public static bool IsSpace(char character) => char.IsWhiteSpace(character) || character is >= '\u001C' and <= '\u001F';

    /// <summary><c>str.strip()</c>.</summary>
    public static string Strip(string text)
    {
        var (start, end) = (0, text.Length);
        while (start < end && IsSpace(text[start]))
        {
            start++;
        }

        while (end > start && IsSpace(text[end - 1]))
        {
            end--;
        }

        return text[start..end];
    }

    /// <summary><c>str.split()</c>: the words between runs of white space.</summary>
    public static IEnumerable<string> Split(string text)
    {
        var start = 0;
        for (var place = 0; place <= text.Length; place++)
        {
            if (place == text.Length || IsSpace(text[place]))
            {
                if (place > start)
                {
                    yield return text[start..place];
                }

                start = place + 1;
            }
        }
    }

    /// <summary>The regular expression <c>\w</c>: letters, all kinds of numbers, and the underscore.</summary>
    public static bool IsWord(Rune rune) =>
        rune.Value == '_'
        || Rune.IsLetterOrDigit(rune)
        || Rune.GetUnicodeCategory(rune) is UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber;

    /// <summary>The regular expression <c>\d</c>: decimal digits of any script.</summary>
    public static bool IsDigit(Rune rune) => Rune.GetUnicodeCategory(rune) == UnicodeCategory.DecimalDigitNumber;

    /// <summary>
    /// A sigma ends a word when the next letter before it exists and the next after it does not, whatever marks stand between (Unicode,
    /// Final_Sigma).
    /// </summary>
    private static bool IsFinalSigma(Rune[] runes, int place)
    {
        var before = place - 1;
        while (before >= 0 && IsCaseIgnorable(runes[before]))
        {
            before--;
        }

        var after = place + 1;
        while (after < runes.Length && IsCaseIgnorable(runes[after]))
        {
            after++;
        }

        return before >= 0 && IsCased(runes[before]) && (after == runes.Length || !IsCased(runes[after]));
    }

    private static bool IsCased(Rune rune) =>
        Rune.GetUnicodeCategory(rune)
            is UnicodeCategory.UppercaseLetter
                or UnicodeCategory.LowercaseLetter
                or UnicodeCategory.TitlecaseLetter
        || rune.Value
            is 0xAA
                or 0xBA
                or (>= 0x2160 and <= 0x217F)
                or (>= 0x24B6 and <= 0x24E9)
                or (>= 0x1F130 and <= 0x1F149)
                or (>= 0x1F150 and <= 0x1F169)
                or (>= 0x1F170 and <= 0x1F189);

    private static bool IsCaseIgnorable(Rune rune) =>
        Rune.GetUnicodeCategory(rune)
            is UnicodeCategory.NonSpacingMark
                or UnicodeCategory.EnclosingMark
                or UnicodeCategory.Format
                or UnicodeCategory.ModifierLetter
                or UnicodeCategory.ModifierSymbol
        || rune.Value
            is '\''
                or '.'
                or ':'
                or 0xB7
                or 0x387
                or 0x55F
                or 0x5F4
                or 0x2018
                or 0x2019
                or 0x2024
                or 0x2027
                or 0xFE13
                or 0xFE52
                or 0xFE55
                or 0xFF07
                or 0xFF0E
                or 0xFF1A;
}
