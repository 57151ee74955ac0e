using CoIN.Benchmark.Data;

namespace CoIN.Benchmark.Scoring;

/// <summary>A test set's score.</summary>
/// <param name="AccuracyPercent">100 · Σ scores / samples, not rounded.</param>
/// <param name="Samples">How many were counted: which ones is part of the task's rule.</param>
/// <param name="Scores">
/// Score of each counted one, 0 to 1, with CIDEr 0 to 10, in the order in which the rule counts (that of the predictions or of the
/// samples).
/// </param>
/// <param name="QuestionIds">The id of each counted one's sample, in the same order.</param>
public sealed record ScoredSet(double AccuracyPercent, int Samples, IReadOnlyList<double> Scores, IReadOnlyList<string> QuestionIds)
{
    /// <summary>The highest score of one sample by any rule: CIDEr's, of a caption that is its only reference.</summary>
    internal const double Highest = 10;
}

/// <summary>
/// Truth Alignment of whole test sets: predictions against ground truth, by either scoring, each with its own denominators.
/// </summary>
public static class TruthAlignment
{
    /// <summary>Scores a task's predictions.</summary>
    /// <param name="scorerKey">One of <see cref="Scorers.Keys"/>.</param>
    /// <param name="samples">The test samples in file order.</param>
    /// <param name="predictions">The predictions in their order.</param>
    /// <param name="scoring">By which of the two scorings.</param>
    /// <exception cref="CoinException">
    /// Unknown key, or predictions and samples do not belong together, or a sample has no usable ground truth.
    /// </exception>
    public static ScoredSet Score(
        string scorerKey,
        IReadOnlyList<TestSample> samples,
        IReadOnlyList<Prediction> predictions,
        ScoringKind scoring = ScoringKind.Published
    )
    {
        var scorer = Scorers.Of(scorerKey, scoring).For(samples);
        (string Id, double Score)[] scores = scorer.Pairing switch
        {
            Pairing.EachPrediction => [.. ByPrediction(scorer, samples, predictions)],
            Pairing.ByPosition => [.. ByPosition(scorer, samples, predictions)],
            Pairing.EachSample => [.. BySample(scorer, samples, predictions, mustBeAnswered: false)],
            _ => [.. BySample(scorer, samples, predictions, mustBeAnswered: true)],
        };
        return scores.Length > 0
            ? new ScoredSet(
                100 * scores.Sum(one => one.Score) / scores.Length,
                scores.Length,
                [.. scores.Select(one => one.Score)],
                [.. scores.Select(one => one.Id)]
            )
            : throw new CoinException($"There are no predictions for the scorer {scorerKey} to score. Evaluate the task again.");
    }

    private static IEnumerable<(string Id, double Score)> ByPrediction(
        ITruthAlignmentScorer scorer,
        IReadOnlyList<TestSample> samples,
        IReadOnlyList<Prediction> predictions
    )
    {
        var byId = samples.ToDictionary(sample => sample.QuestionId, StringComparer.Ordinal);
        return predictions.Select(prediction =>
            byId.TryGetValue(prediction.QuestionId, out var sample)
                ? (sample.QuestionId, scorer.Score(sample, prediction.Text))
                : throw new CoinException(
                    $"A prediction answers question {prediction.QuestionId}, which is not in the test file. Use the test file that the predictions were made from."
                )
        );
    }

    private static IEnumerable<(string Id, double Score)> ByPosition(
        ITruthAlignmentScorer scorer,
        IReadOnlyList<TestSample> samples,
        IReadOnlyList<Prediction> predictions
    ) =>
        predictions.Count <= samples.Count
            ? predictions.Select((prediction, place) => (samples[place].QuestionId, scorer.Score(samples[place], prediction.Text)))
            : throw new CoinException(
                $"There {(predictions.Count == 1 ? "is" : "are")} {Plural.Of(predictions.Count, "prediction")} for {Plural.Of(samples.Count, "test sample")}. Use the test file that the predictions were made from."
            );

    private static IEnumerable<(string Id, double Score)> BySample(
        ITruthAlignmentScorer scorer,
        IReadOnlyList<TestSample> samples,
        IReadOnlyList<Prediction> predictions,
        bool mustBeAnswered
    )
    {
        var last = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var prediction in predictions)
        {
            last[prediction.QuestionId] = prediction.Text;
        }

        return samples.Select(sample =>
            (
                sample.QuestionId,
                last.TryGetValue(sample.QuestionId, out var text) ? scorer.Score(sample, text)
                : !mustBeAnswered ? 0.0
                : throw new CoinException(
                    $"Question {sample.QuestionId} has no prediction, and the scorer {scorer.Key} needs one for each. Evaluate the task again."
                )
            )
        );
    }
}
