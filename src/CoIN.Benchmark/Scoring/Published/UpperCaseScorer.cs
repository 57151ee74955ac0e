using CoIN.Benchmark.Data;
using CoIN.Benchmark.Scoring.Python;

namespace CoIN.Benchmark.Scoring.Published;

/// <summary>
/// VizWiz and VQAv2: right if equal to the one answer in upper case; nothing is stripped. This is not the soft accuracy of those data sets.
/// UCIT and TriGap score their tasks of short answers so too (<c>eval_deepseek_r1.py</c>, which asks no model in spite of its name).
/// </summary>
internal sealed class UpperCaseScorer(string key) : ITruthAlignmentScorer
{
    public string Key => key;

    public Pairing Pairing => Pairing.EachPrediction;

    public double Score(TestSample sample, string prediction) => PythonText.Upper(prediction) == PythonText.Upper(sample.Answer) ? 1 : 0;
}
