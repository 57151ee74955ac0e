using CoIN.Benchmark.Data;
using CoIN.Benchmark.Scoring.Python;

namespace CoIN.Benchmark.Scoring.Published;

/// <summary>
/// MLLM-CL's visual perception (its public <c>eval_sat.py</c>): right if the answer stands anywhere in the prediction, both in lower case
/// and without blanks, line breaks and periods.
/// </summary>
internal sealed class BareHoldsScorer(string key) : ITruthAlignmentScorer
{
    public string Key => key;

    public Pairing Pairing => Pairing.EachPrediction;

    public double Score(TestSample sample, string prediction) =>
        Bare(prediction).Contains(Bare(sample.Answer), StringComparison.Ordinal) ? 1 : 0;

    private static string Bare(string text) =>
        PythonText
            .Strip(PythonText.Lower(text))
            .Replace(" ", "", StringComparison.Ordinal)
            .Replace("\n", "", StringComparison.Ordinal)
            .Replace(".", "", StringComparison.Ordinal);
}
