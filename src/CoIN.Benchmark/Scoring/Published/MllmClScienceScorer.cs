using CoIN.Benchmark.Data;
using CoIN.Benchmark.Scoring.Python;

namespace CoIN.Benchmark.Scoring.Published;

/// <summary>
/// MLLM-CL's science task (its public <c>eval_sci.py</c>), of several sources which it tells by the image's name: AI2D, TQA and VQA are
/// right if equal in lower case; of MapQA's questions for states the part of the listed states that the prediction lists too, the rest
/// right if the answer stands anywhere in the prediction. A prediction that holds <c>Unanswerable</c> is wrong, and counted.
/// </summary>
internal sealed class MllmClScienceScorer(string key) : ITruthAlignmentScorer
{
    public string Key => key;

    public Pairing Pairing => Pairing.EachPrediction;

    public double Score(TestSample sample, string prediction)
    {
        if (prediction.Contains("Unanswerable", StringComparison.Ordinal))
        {
            return 0;
        }

        var (given, truth) = (PythonText.Lower(prediction), PythonText.Lower(sample.Answer));
        if (IsExact(sample))
        {
            return given == truth ? 1 : 0;
        }

        if (IsList(sample))
        {
            // Parted at commas alone: a blank after one is part of the state, in truth and prediction alike.
            var (wanted, listed) = (truth.Split(','), given.Split(','));
            return wanted.Count(state => listed.Contains(state)) / (double)wanted.Length;
        }

        return given.Contains(truth, StringComparison.Ordinal) ? 1 : 0;
    }

    /// <summary>Whether the sample is of a source whose answers have one form.</summary>
    internal static bool IsExact(TestSample sample) =>
        (sample.Image is { } image ? image[(image.LastIndexOf('/') + 1)..].Split('_')[0] : "") is "AI2D" or "TQA" or "VQA";

    /// <summary>Whether the answer is a list of states.</summary>
    internal static bool IsList(TestSample sample) => sample.Text.Contains("Which states", StringComparison.Ordinal);
}
