using CoIN.Benchmark.Data;
using CoIN.Benchmark.Scoring.Python;

namespace CoIN.Benchmark.Scoring.Published;

/// <summary>
/// TriGap's rule for documents, as its public code has it: 1 less the edit distance over the longer length, of the best answer, in lower
/// case and without white space at the ends. It lacks the threshold of ANLS, below which an answer is worth nothing; the corrected rule
/// has it.
/// </summary>
internal sealed class AnlsScorer(string key) : ITruthAlignmentScorer
{
    public string Key => key;

    public Pairing Pairing => Pairing.EachPrediction;

    public double Score(TestSample sample, string prediction) => sample.Answers.Max(answer => Similarity(answer, prediction));

    /// <summary>1 − edit distance / longer length, of code points; 1 where both are empty.</summary>
    internal static double Similarity(string answer, string prediction)
    {
        int[] given = [.. PythonText.Lower(PythonText.Strip(prediction)).EnumerateRunes().Select(rune => rune.Value)];
        int[] truth = [.. PythonText.Lower(PythonText.Strip(answer)).EnumerateRunes().Select(rune => rune.Value)];
        var longer = Math.Max(given.Length, truth.Length);
        return longer == 0 ? 1 : 1 - (Distance(given, truth) / (double)longer);
    }

    /// <summary>Levenshtein's distance: insertions, deletions and substitutions.</summary>
    private static int Distance(int[] one, int[] other)
    {
        var row = Enumerable.Range(0, other.Length + 1).ToArray();
        for (var i = 0; i < one.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i + 1;
            for (var j = 0; j < other.Length; j++)
            {
                var above = row[j + 1];
                row[j + 1] = Math.Min(Math.Min(above, row[j]) + 1, diagonal + (one[i] == other[j] ? 0 : 1));
                diagonal = above;
            }
        }

        return row[^1];
    }
}
