using System.Text;
using CoIN.Benchmark.Data;

namespace CoIN.Benchmark.Scoring.Published;

/// <summary>
/// Grounding as LLaVA and Qwen-VL are scored: right if the boxes overlap with an IoU above one half. The reference takes the brackets away
/// and then cuts one more character at both ends, so that the last coordinate loses its last digit.
/// </summary>
internal sealed class GroundingScorer : ITruthAlignmentScorer
{
    public string Key => "grounding";

    public Pairing Pairing => Pairing.EachPrediction;

    public double Score(TestSample sample, string prediction)
    {
        var truth = Box.Truth(sample.QuestionId, sample.Answer);
        if (Box.Parse(CutEnds(Box.WithoutBrackets(prediction))) is not { } box)
        {
            return 0;
        }

        var side = sample.Size is var (width, height) ? Math.Max(width, height) : 1;
        return Box.IntersectionOverUnion(box * side, truth * side) > 0.5 ? 1 : 0;
    }

    private static string CutEnds(string text)
    {
        if (text.Length == 0)
        {
            return text;
        }

        Rune.DecodeFromUtf16(text, out _, out var first);
        Rune.DecodeLastFromUtf16(text, out _, out var last);
        return first + last < text.Length ? text[first..^last] : "";
    }
}
