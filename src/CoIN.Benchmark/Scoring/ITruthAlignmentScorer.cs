using CoIN.Benchmark.Data;

namespace CoIN.Benchmark.Scoring;

/// <summary>Compares predictions with ground truth by one task's rule.</summary>
public interface ITruthAlignmentScorer
{
    /// <summary>The name by which configurations call the rule.</summary>
    string Key { get; }

    /// <summary>How predictions and samples find each other, and which of them are counted.</summary>
    Pairing Pairing { get; }

    /// <summary>The highest score of one sample.</summary>
    double Highest => 1;

    /// <summary>
    /// Whether a sample's score depends on the other samples of its test set: then only what <see cref="For"/> gives can score.
    /// </summary>
    bool NeedsTestSet => false;

    /// <summary>The rule as it is for one test set. Most rules are the same for all.</summary>
    /// <param name="samples">All samples of the test set that are asked, never a part of them: a shard's scores would be others.</param>
    /// <exception cref="CoinException">The rule cannot be applied to this test set.</exception>
    ITruthAlignmentScorer For(IReadOnlyList<TestSample> samples) => this;

    /// <summary>Score of one prediction: 0 or 1, a part of 1 for soft accuracies, 0 to 10 for CIDEr.</summary>
    /// <exception cref="CoinException">
    /// The sample's ground truth has not the form that the rule needs; the message names the question.
    /// </exception>
    double Score(TestSample sample, string prediction);
}

/// <summary>Which pairs of prediction and sample a rule counts.</summary>
public enum Pairing
{
    /// <summary>Every prediction, joined by question id. Samples without prediction are not counted.</summary>
    EachPrediction,

    /// <summary>The n-th prediction with the n-th sample; ids do not matter.</summary>
    ByPosition,

    /// <summary>
    /// Every sample; without prediction it is wrong. Of several predictions the last counts, those for other samples do not.
    /// </summary>
    EachSample,

    /// <summary>Every sample, and each must have a prediction. Of several the last counts, those for other samples do not.</summary>
    EachSampleAnswered,
}
