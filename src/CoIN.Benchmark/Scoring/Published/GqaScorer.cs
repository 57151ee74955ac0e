using CoIN.Benchmark.Data;
using CoIN.Benchmark.Scoring.Python;

namespace CoIN.Benchmark.Scoring.Published;

/// <summary>GQA: the prediction without final periods and in lower case must equal the answer, which is taken as it stands.</summary>
internal sealed class GqaScorer : ITruthAlignmentScorer
{
    public string Key => "gqa";

    public Pairing Pairing => Pairing.EachSampleAnswered;

    public double Score(TestSample sample, string prediction) => Convert(prediction) == sample.Answer ? 1 : 0;

    /// <summary>The form in which the prediction is compared.</summary>
    internal static string Convert(string prediction) => PythonText.Lower(prediction.TrimEnd('.'));
}
