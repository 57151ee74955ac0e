using System.Buffers;
using System.Globalization;
using System.Text;

namespace CoIN.Models.Tokenization;

/// <summary>A token that is cut out of a text before its words are looked at.</summary>
/// <param name="SingleWord">Whether it counts only where no letter or digit touches it.</param>
/// <param name="LeftStrip">Whether it takes the white space in front of it along.</param>
/// <param name="RightStrip">Whether it takes the white space behind it along.</param>
/// <param name="Normalized">Whether it is looked for in the normalized text, and not in the text as it is.</param>
/// <param name="Special">Whether decoding leaves it out.</param>
internal sealed record AddedToken(int Id, string Content, bool SingleWord, bool LeftStrip, bool RightStrip, bool Normalized, bool Special);

/// <summary>A stretch of a text.</summary>
/// <param name="Id">The added token that it is; null for other text.</param>
internal readonly record struct TextPart(int From, int To, int? Id);

/// <summary>
/// Cuts added tokens out of texts as Hugging Face's <c>tokenizers</c> does: the leftmost first, of those that begin at one place the
/// longest.
/// </summary>
internal sealed class AddedTokens
{
    private readonly Dictionary<char, (string Pattern, AddedToken Token)[]> byFirst;
    private readonly SearchValues<char> firsts;

    /// <param name="tokens">The tokens, each with the text that it is found by.</param>
    public AddedTokens(IEnumerable<(string Pattern, AddedToken Token)> tokens)
    {
        byFirst = tokens
            .Where(pair => pair.Pattern.Length > 0)
            .GroupBy(pair => pair.Pattern[0])
            .ToDictionary(group => group.Key, group => group.OrderByDescending(pair => pair.Pattern.Length).ToArray());
        firsts = SearchValues.Create([.. byFirst.Keys]);
    }

    /// <summary>The stretches of a text; empty ones are left out.</summary>
    public List<TextPart> Split(string text)
    {
        var parts = new List<TextPart>();
        var done = 0;
        for (var at = 0; Next(text, at) is { } match; )
        {
            var (start, stop) = (match.At, match.At + match.Length);
            at = stop;
            if (match.Token.SingleWord && (IsWordBefore(text, start) || IsWordAt(text, stop)))
            {
                continue;
            }

            if (match.Token.LeftStrip)
            {
                start = Math.Max(text.AsSpan(0, start).TrimEnd().Length, done);
            }

            if (match.Token.RightStrip)
            {
                stop = text.Length - text.AsSpan(stop).TrimStart().Length;
            }

            if (done < start)
            {
                parts.Add(new TextPart(done, start, null));
            }

            parts.Add(new TextPart(start, stop, match.Token.Id));
            (done, at) = (stop, Math.Max(at, stop));
        }

        if (done < text.Length)
        {
            parts.Add(new TextPart(done, text.Length, null));
        }

        return parts;
    }

    private (int At, int Length, AddedToken Token)? Next(string text, int from)
    {
        while (from < text.Length && text.AsSpan(from).IndexOfAny(firsts) is var offset and >= 0)
        {
            var at = from + offset;
            foreach (var (pattern, token) in byFirst[text[at]])
            {
                if (string.CompareOrdinal(text, at, pattern, 0, pattern.Length) == 0)
                {
                    return (at, pattern.Length, token);
                }
            }

            from = at + 1;
        }

        return null;
    }

    private static bool IsWordBefore(string text, int at) =>
        at > 0 && Rune.DecodeLastFromUtf16(text.AsSpan(0, at), out var rune, out _) == OperationStatus.Done && IsWord(rune);

    private static bool IsWordAt(string text, int at) =>
        at < text.Length && Rune.DecodeFromUtf16(text.AsSpan(at), out var rune, out _) == OperationStatus.Done && IsWord(rune);

    /// <summary>What a regular expression's <c>\w</c> is by Unicode's rules: letters, marks, digits, connectors, joiners.</summary>
    private static bool IsWord(Rune rune) =>
        Rune.GetUnicodeCategory(rune) switch
        {
            UnicodeCategory.UppercaseLetter
            or UnicodeCategory.LowercaseLetter
            or UnicodeCategory.TitlecaseLetter
            or UnicodeCategory.ModifierLetter
            or UnicodeCategory.OtherLetter
            or UnicodeCategory.LetterNumber
            or UnicodeCategory.NonSpacingMark
            or UnicodeCategory.SpacingCombiningMark
            or UnicodeCategory.EnclosingMark
            or UnicodeCategory.DecimalDigitNumber
            or UnicodeCategory.ConnectorPunctuation => true,

            // Letters in circles and squares count as alphabetic, and so do the two joiners.
            UnicodeCategory.OtherSymbol => rune.Value
                is (>= 0x24B6 and <= 0x24E9)
                    or (>= 0x1F130 and <= 0x1F149)
                    or (>= 0x1F150 and <= 0x1F169)
                    or (>= 0x1F170 and <= 0x1F189),
            _ => rune.Value is 0x200C or 0x200D,
        };
}
