using CoIN.Benchmark.Data;

namespace CoIN.Benchmark.Scoring.Published;

/// <summary>ImageNet: right if prediction or label contains the other, case-sensitive. So an empty prediction is right.</summary>
internal sealed class ImageNetScorer : ITruthAlignmentScorer
{
    public string Key => "imagenet";

    public Pairing Pairing => Pairing.ByPosition;

    public double Score(TestSample sample, string prediction) =>
        prediction.Contains(sample.Answer, StringComparison.Ordinal) || sample.Answer.Contains(prediction, StringComparison.Ordinal)
            ? 1
            : 0;
}
