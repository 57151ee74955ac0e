using System.Text.RegularExpressions;

namespace CoIN.Benchmark.Scoring.Captions;

/// <summary>
/// Words of a caption after the conventions of the Penn Treebank, as the evaluation of COCO's captions takes them (Chen et al. 2015): lower
/// case, contractions and possessives split (<c>don't</c> is <c>do n't</c>, <c>dog's</c> is <c>dog 's</c>), hyphened words, numbers,
/// initials and common abbreviations whole, marks of punctuation, quotes and brackets dropped. An own reading of these conventions, not
/// Stanford's tokenizer: rare spellings (URLs, fractions, several dashes in a row) may be parted otherwise there.
/// </summary>
internal static partial class CaptionTokens
{
    /// <summary>The words in their order; none of a text without any.</summary>
    public static IReadOnlyList<string> Of(string caption)
    {
        var text = caption.ToLowerInvariant().Replace('\u2018', '\'').Replace('\u2019', '\'').Replace('`', '\'');
        var words = new List<string>();
        foreach (var token in Tokens().Matches(text).Select(match => match.Value))
        {
            if (char.IsLetterOrDigit(token[0]))
            {
                AddParts(token, words);
            }
            else if (!IsDropped(token))
            {
                words.Add(token);
            }
        }

        return words;
    }

    /// <summary>Adds a word, or what the treebank makes of it: a contraction is two.</summary>
    private static void AddParts(string word, List<string> words)
    {
        if (Fused.TryGetValue(word, out var first))
        {
            words.Add(word[..first]);
            words.Add(word[first..]);
        }
        else if (Contraction().Match(word) is { Success: true } parts)
        {
            words.Add(parts.Groups["stem"].Value);
            words.Add(parts.Groups["rest"].Value);
        }
        else
        {
            words.Add(word);
        }
    }

    /// <summary>Words that the treebank parts, with the length of the first part.</summary>
    private static readonly Dictionary<string, int> Fused = new(StringComparer.Ordinal)
    {
        ["cannot"] = 3,
        ["gonna"] = 3,
        ["gotta"] = 3,
        ["wanna"] = 3,
        ["gimme"] = 3,
        ["lemme"] = 3,
    };

    private static bool IsDropped(string token) =>
        token
            is "."
                or "?"
                or "!"
                or ","
                or ":"
                or ";"
                or "'"
                or "\""
                or "-"
                or "\u2013"
                or "\u2014"
                or "("
                or ")"
                or "["
                or "]"
                or "{"
                or "}"
                or "\u201C"
                or "\u201D"
                or "\u2026"
                or "\u00AB"
                or "\u00BB";

    // Initials (u.s.), abbreviations (mr.), numbers (1,000 3.5 10:30), words with hyphens and apostrophes within, else single signs.
    [GeneratedRegex(
        @"(?<!\w)(?:\p{L}\.){2,}"
            + @"|(?<!\w)(?:mr|mrs|ms|dr|prof|rev|gen|sgt|st|jr|sr|vs|etc|inc|ltd|corp|mt|ave|blvd)\."
            + @"|\d+(?:[.,:]\d+)+(?![\p{L}\p{M}\d])"
            + @"|[\p{L}\p{M}\p{N}_]+(?:['&-][\p{L}\p{M}\p{N}_]+)*"
            + @"|'(?:s|m|d|re|ve|ll)(?![\p{L}\p{M}\d])"
            + @"|[^\s]",
        RegexOptions.CultureInvariant
    )]
    private static partial Regex Tokens();

    [GeneratedRegex(@"\A(?<stem>.+?)(?<rest>n't|'(?:s|m|d|re|ve|ll))\z", RegexOptions.CultureInvariant)]
    private static partial Regex Contraction();
}
