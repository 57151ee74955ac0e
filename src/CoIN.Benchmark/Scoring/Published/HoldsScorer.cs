using CoIN.Benchmark.Data;
using CoIN.Benchmark.Scoring.Python;

namespace CoIN.Benchmark.Scoring.Published;

/// <summary>
/// MLLM-CL's remote sensing, medical and driving tasks (its public <c>eval_ai2d.py</c> and <c>eval_pvqa.py</c>): right if the answer
/// stands anywhere in the prediction, both in lower case, so that "no" is in "north". A prediction that holds <c>Unanswerable</c> is
/// wrong, and counted.
/// </summary>
internal sealed class HoldsScorer(string key) : ITruthAlignmentScorer
{
    public string Key => key;

    public Pairing Pairing => Pairing.EachPrediction;

    public double Score(TestSample sample, string prediction) =>
        !prediction.Contains("Unanswerable", StringComparison.Ordinal)
        && PythonText.Lower(prediction).Contains(PythonText.Lower(sample.Answer), StringComparison.Ordinal)
            ? 1
            : 0;
}
