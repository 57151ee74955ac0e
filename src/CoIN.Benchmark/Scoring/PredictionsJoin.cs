using CoIN.Benchmark.Data;

namespace CoIN.Benchmark.Scoring;

/// <summary>
/// How a predictions file and a test file fit together by question id. Each list is in file order and without repetitions.
/// </summary>
/// <param name="Unknown">Ids of predictions that no sample has.</param>
/// <param name="Missing">Ids of samples that no prediction has.</param>
/// <param name="Repeated">Ids that several predictions have.</param>
/// <param name="OutOfPlace">At how many places the n-th prediction is not of the n-th sample.</param>
public sealed record PredictionsJoin(
    IReadOnlyList<string> Unknown,
    IReadOnlyList<string> Missing,
    IReadOnlyList<string> Repeated,
    int OutOfPlace
)
{
    private const int Examples = 3;

    /// <summary>Compares the ids.</summary>
    public static PredictionsJoin Of(IReadOnlyList<TestSample> samples, IReadOnlyList<Prediction> predictions)
    {
        var questions = samples.Select(sample => sample.QuestionId).ToHashSet(StringComparer.Ordinal);
        var given = predictions.Select(prediction => prediction.QuestionId).ToList();
        var answered = given.ToHashSet(StringComparer.Ordinal);
        return new PredictionsJoin(
            [.. given.Distinct(StringComparer.Ordinal).Where(id => !questions.Contains(id))],
            [.. samples.Select(sample => sample.QuestionId).Where(id => !answered.Contains(id))],
            [.. given.GroupBy(id => id, StringComparer.Ordinal).Where(same => same.Skip(1).Any()).Select(same => same.Key)],
            given.Zip(samples).Count(pair => pair.First != pair.Second.QuestionId)
        );
    }

    /// <summary>Scores predictions from anywhere, and says in an error with examples where they do not belong to the samples.</summary>
    /// <param name="scorings">Which scorings; the results are in their order.</param>
    /// <exception cref="CoinException">Predictions and samples have no id in common, or a rule cannot score them.</exception>
    public static (PredictionsJoin Join, IReadOnlyList<ScoredSet> Sets) Score(
        string scorerKey,
        IReadOnlyList<TestSample> samples,
        IReadOnlyList<Prediction> predictions,
        IReadOnlyList<ScoringKind> scorings
    )
    {
        if (predictions.Count == 0)
        {
            throw new CoinException("The predictions file holds no predictions. Name another file.");
        }

        var join = Of(samples, predictions);
        if (join.Missing.Count == samples.Count)
        {
            throw new CoinException(
                $"No prediction answers any of the questions: the predictions have ids such as {ExamplesOf(join.Unknown)}, the test file ids such as "
                    + $"{ExamplesOf(join.Missing)}. Name the test file that the predictions were made from."
            );
        }

        if (join.Unknown.Count > 0 && scorings.Contains(ScoringKind.Published) && Scorers.Of(scorerKey).Pairing == Pairing.EachPrediction)
        {
            throw new CoinException(
                $"{Plural.Of(join.Unknown.Count, "prediction")} {(join.Unknown.Count == 1 ? "is" : "are")} for questions that the test file does not hold, such as "
                    + $"{ExamplesOf(join.Unknown)}, and the published rule of {scorerKey} counts every prediction. "
                    + "Name the test file that the predictions were made from, or choose --scoring corrected, which passes them over."
            );
        }

        return (join, [.. scorings.Select(scoring => Score(scorerKey, samples, predictions, scoring, only: scorings.Count == 1))]);
    }

    private static ScoredSet Score(
        string scorerKey,
        IReadOnlyList<TestSample> samples,
        IReadOnlyList<Prediction> predictions,
        ScoringKind scoring,
        bool only
    )
    {
        try
        {
            return TruthAlignment.Score(scorerKey, samples, predictions, scoring);
        }
        catch (CoinException e) when (scoring == ScoringKind.Published && !only)
        {
            // TextVQA's published rule wants ten answers, GQA's a prediction for every question: the corrected rules do without.
            throw new CoinException($"By the published rule: {e.Message} Or leave that rule out: --scoring corrected.", e);
        }
    }

    /// <summary>What does not fit, one sentence each, for people.</summary>
    /// <param name="pairing">How the published rule joins; null where it was not asked for.</param>
    public IEnumerable<string> Notes(Pairing? pairing)
    {
        if (Missing.Count > 0)
        {
            yield return $"{Plural.Of(Missing.Count, "question")} without prediction, such as {ExamplesOf(Missing)}: wrong by the corrected rule"
                + (pairing is Pairing.EachPrediction or Pairing.ByPosition ? ", not counted by the published one." : ".");
        }

        if (Unknown.Count > 0)
        {
            yield return $"{Plural.Of(Unknown.Count, "prediction")} for other questions, such as {ExamplesOf(Unknown)}: passed over"
                + (pairing == Pairing.ByPosition ? " by the corrected rule." : ".");
        }

        if (Repeated.Count > 0)
        {
            yield return $"{Plural.Of(Repeated.Count, "question")} with several predictions, such as {ExamplesOf(Repeated)}: the last one counts"
                + (pairing is Pairing.EachPrediction or Pairing.ByPosition ? " by the corrected rule, each one by the published." : ".");
        }

        if (pairing == Pairing.ByPosition && OutOfPlace > 0)
        {
            yield return $"{Plural.Of(OutOfPlace, "line")} of the predictions {(OutOfPlace == 1 ? "has" : "have")} another id than the sample at the same place: "
                + "the published rule joins by place, and its number means nothing here.";
        }
    }

    private static string ExamplesOf(IReadOnlyList<string> ids) => string.Join(", ", ids.Take(Examples).Select(id => $"\"{id}\""));
}
