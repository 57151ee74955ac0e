using System.Text;
using System.Text.RegularExpressions;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Scoring.Python;

namespace CoIN.Benchmark.Scoring.Published;

/// <summary>
/// Grounding as MiniGPT-v2 is scored: the first four decimals in the text are the box, compared with the box in the unpadded image. The
/// pattern passes over 0.0, whole numbers and signs.
/// </summary>
internal sealed partial class MiniGptGroundingScorer : ITruthAlignmentScorer
{
    public string Key => "grounding-minigpt";

    public Pairing Pairing => Pairing.EachPrediction;

    public double Score(TestSample sample, string prediction)
    {
        var truth = Box.Truth(sample.QuestionId, sample.UnpaddedBox ?? sample.Answer);
        var numbers = Decimals().Matches(OneUnitDigits(prediction)).Take(4).Select(match => PythonFloat.Parse(match.Value)).ToArray();
        return numbers is [{ } x1, { } y1, { } x2, { } y2] && Box.IntersectionOverUnion(new Box(x1, y1, x2, y2), truth) > 0.5 ? 1 : 0;
    }

    /// <summary>
    /// Digits outside the basic plane become Arabic-Indic ones: .NET's patterns work on UTF-16 units and would not know them as digits, and
    /// ASCII digits would match where they do not.
    /// </summary>
    private static string OneUnitDigits(string text)
    {
        var plain = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            plain.Append(!rune.IsBmp && PythonText.IsDigit(rune) ? new Rune('\u0660' + (int)Rune.GetNumericValue(rune)) : rune);
        }

        return plain.ToString();
    }

    [GeneratedRegex(@"[1-9]\d*\.\d*|0\.\d*[1-9]\d*", RegexOptions.CultureInvariant)]
    private static partial Regex Decimals();
}
