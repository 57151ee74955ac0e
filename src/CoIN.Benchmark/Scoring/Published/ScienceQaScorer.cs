using System.Globalization;
using System.Text;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Scoring.Python;

namespace CoIN.Benchmark.Scoring.Published;

/// <summary>
/// ScienceQA: the option that the prediction names must be the right one. The letter is found by three rules, of which the last, any word
/// of one character, also takes the article of "A good answer would be C" for option A.
/// </summary>
internal sealed class ScienceQaScorer : ITruthAlignmentScorer
{
    private const string Options = "ABCDE";

    /// <summary>What stands for a prediction without letter.</summary>
    internal const string Failed = "FAILED";

    public string Key => "scienceqa";

    public Pairing Pairing => Pairing.EachSample;

    public double Score(TestSample sample, string prediction) =>
        PredictedIndex(prediction, sample.Choices ?? Options.Length) == RightIndex(sample) ? 1 : 0;

    /// <summary>The letter that the prediction names: one of A to E, or another character, or <see cref="Failed"/>.</summary>
    internal static string ParseAnswer(string prediction)
    {
        if (prediction.Length == 1 && Options.Contains(prediction[0]))
        {
            return prediction;
        }

        if (prediction.Length >= 3 && Options.Contains(prediction[0]) && prediction[1] == '.' && prediction[2] == ' ')
        {
            return prediction[..1];
        }

        return LoneCharacter(prediction) is { } rune ? PythonText.Upper(rune.ToString()) : Failed;
    }

    /// <summary>0-based index of the option that the prediction names, −1 for none of the first <paramref name="choices"/>.</summary>
    internal static int PredictedIndex(string prediction, int choices)
    {
        var letter = ParseAnswer(prediction);
        var index = letter.Length == 1 ? Options.IndexOf(letter[0]) : -1;
        return index < choices ? index : -1;
    }

    /// <summary>The first word that is a single character.</summary>
    private static Rune? LoneCharacter(string text)
    {
        Rune? candidate = null;
        var length = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            if (PythonText.IsWord(rune))
            {
                length++;
                candidate = rune;
            }
            else if (length == 1)
            {
                return candidate;
            }
            else
            {
                length = 0;
            }
        }

        return length == 1 ? candidate : null;
    }

    /// <summary>The answer is a letter in CoIN's files and an index in ScienceQA's own.</summary>
    private static int RightIndex(TestSample sample)
    {
        var answer = sample.Answer.Trim();
        if (answer.Length == 1 && char.IsAsciiLetterUpper(answer[0]))
        {
            return answer[0] - 'A';
        }

        return int.TryParse(answer, NumberStyles.None, CultureInfo.InvariantCulture, out var index)
            ? index
            : throw new CoinException(
                $"Question {sample.QuestionId}: the answer \"{sample.Answer}\" is neither an option's letter nor its index, which the scorer scienceqa needs. "
                    + "Correct the test file, or choose another scorer for the task."
            );
    }
}
