using CoIN.Benchmark.Data;

namespace CoIN.Benchmark.Scoring;

/// <summary>Compares predictions with ground truth by one task's rule.</summary>
public interface ITruthAlignmentScorer
{
    /// <summary>The name by which configurations call the rule.</summary>
    string Key { get; }

    /// <summary>How predictions and samples find each other, and which of them are counted.</summary>
    Pairing Pairing { get; }

    /// <summary>Score of one prediction: 0 or 1, or a part of 1 for soft accuracies.</summary>
    /// <exception cref="CoinException">The sample's ground truth has not the form that the rule needs; the message names the question.</exception>
    double Score(TestSample sample, string prediction);
}

/// <summary>Which pairs of prediction and sample a rule counts.</summary>
public enum Pairing
{
    /// <summary>Every prediction, joined by question id. Samples without prediction are not counted.</summary>
    EachPrediction,

    /// <summary>The n-th prediction with the n-th sample; ids do not matter.</summary>
    ByPosition,

    /// <summary>Every sample; without prediction it is wrong. Of several predictions the last counts, those for other samples do not.</summary>
    EachSample,

    /// <summary>Every sample, and each must have a prediction. Of several the last counts, those for other samples do not.</summary>
    EachSampleAnswered,
}
