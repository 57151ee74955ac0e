using System.Text;
using ICU4N.Text;

namespace CoIN.Benchmark.Texts;

/// <summary>
/// One form for characters that have several: é may be one code point or two (Unicode calls these canonically equivalent), and Ｂ is B in
/// the width of Chinese characters. Which one a keyboard, a tokenizer or a data set writes says nothing about the answer. Nothing else is
/// folded: ² stays another character than 2.
/// </summary>
internal static class CharacterForms
{
    private const char WideSpace = '\u3000';

    // The host's own normalization is absent where globalization is invariant.
    private static readonly Normalizer2 Canonical = Normalizer2.NFCInstance;
    private static readonly Normalizer2 Compatible = Normalizer2.NFKCInstance;

    /// <summary>The text in composed characters of ordinary width; the same object where it is so already.</summary>
    public static string Fold(string text)
    {
        if (Ascii.IsValid(text))
        {
            return text;
        }

        var plain =
            text.AsSpan().IndexOfAnyInRange('\uFF01', '\uFFEE') >= 0 || text.Contains(WideSpace, StringComparison.Ordinal)
                ? string.Concat(text.Select(character => OfOrdinaryWidth(character)))
                : text;
        return Canonical.IsNormalized(plain) ? plain : Canonical.Normalize(plain);
    }

    private static string OfOrdinaryWidth(char character) =>
        character switch
        {
            WideSpace => " ",
            >= '\uFF01' and <= '\uFFEE' => Compatible.Normalize(character.ToString()),
            _ => character.ToString(),
        };
}
