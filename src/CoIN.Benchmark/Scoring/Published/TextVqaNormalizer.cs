using System.Text;
using CoIN.Benchmark.Scoring.Python;

namespace CoIN.Benchmark.Scoring.Published;

/// <summary>The EvalAI normalisation of answers as TextVQA's evaluation does it, odd corners included.</summary>
internal static class TextVqaNormalizer
{
    /// <summary>A flag that the reference passes where the number of replacements belongs: only so many periods are removed.</summary>
    private const int MostPeriods = 32;

    /// <summary>The form in which answers are compared.</summary>
    public static string Normalize(string answer)
    {
        var text = PythonText
            .Lower(answer)
            .Replace(",", "", StringComparison.Ordinal)
            .Replace("?", "", StringComparison.Ordinal)
            .Replace("'s", " 's", StringComparison.Ordinal);
        text = PythonText.Strip(PythonText.Strip(text).Replace('\n', ' ').Replace('\t', ' '));
        text = RemovePeriods(Punctuation(text));
        return string.Join(
            ' ',
            PythonText
                .Split(PythonText.Lower(text))
                .Select(word => TextVqaTables.Numbers.GetValueOrDefault(word, word))
                .Where(word => !TextVqaTables.Articles.Contains(word))
                .Select(word => TextVqaTables.Contractions.GetValueOrDefault(word, word))
        );
    }

    /// <summary>A mark that stands beside a space somewhere is deleted everywhere, any other becomes a space.</summary>
    private static string Punctuation(string text)
    {
        var result = text;
        foreach (var mark in TextVqaTables.Punctuation)
        {
            var besideSpace = text.Contains($"{mark} ", StringComparison.Ordinal) || text.Contains($" {mark}", StringComparison.Ordinal);
            result = result.Replace(mark.ToString(), besideSpace ? "" : " ", StringComparison.Ordinal);
        }

        return result;
    }

    private static string RemovePeriods(string text)
    {
        var kept = new StringBuilder(text.Length);
        var removed = 0;
        for (var place = 0; place < text.Length; place++)
        {
            var beforeDigit = place + 1 < text.Length && Rune.TryGetRuneAt(text, place + 1, out var next) && PythonText.IsDigit(next);
            if (text[place] == '.' && removed < MostPeriods && !beforeDigit)
            {
                removed++;
            }
            else
            {
                kept.Append(text[place]);
            }
        }

        return kept.ToString();
    }
}
