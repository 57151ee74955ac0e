using CoIN.Benchmark.Data;
using CoIN.Benchmark.Predictions;
using CoIN.Benchmark.Scoring;

namespace CoIN.Benchmark.Runs;

/// <summary>A test sample with a model's answer to it.</summary>
/// <param name="Sample">Question, picture and truth.</param>
/// <param name="Answer">What the model said.</param>
/// <param name="Score">By both scorings; null in a run older than files of scores.</param>
public sealed record AnsweredSample(TestSample Sample, string Answer, SampleScore? Score)
{
    /// <summary>The published rule gives it nothing, or, where that does not count the sample, the corrected one.</summary>
    public bool IsWrong => (Score?.Published ?? Score?.Corrected) is 0;
}

/// <summary>The answers of a cell, also of one that is only partly answered.</summary>
public static class AnsweredSamples
{
    /// <summary>Reads what is answered so far; parts of a cell that is not scored yet are scored here.</summary>
    /// <param name="samples">The task's test set.</param>
    /// <param name="stage">1-based stage of the adapter; 0 for the base model.</param>
    /// <param name="task">0-based place of the task in the order.</param>
    /// <returns>In the order of the predictions; empty where nothing is answered.</returns>
    /// <exception cref="CoinException">A file cannot be read, or names a sample that the test set does not have.</exception>
    public static IReadOnlyList<AnsweredSample> Of(string runFolder, RunState state, IReadOnlyList<TestSample> samples, int stage, int task)
    {
        var byId = samples.ToLookup(sample => sample.QuestionId, StringComparer.Ordinal);
        if (state.Cells.TryGetValue((stage, task), out var cell))
        {
            var scores = cell.ScoresFile is { } file
                ? ScoresFile.Read(Path.Combine(runFolder, file)).ToLookup(score => score.QuestionId, StringComparer.Ordinal)
                : null;
            return Joined(PredictionsFile.Read(Path.Combine(runFolder, cell.File)), byId, scores);
        }

        var scorer = state.Options.Tasks[task].Scorer;
        return
        [
            .. state
                .Shards.Values.Where(shard => (shard.Stage, shard.Task) == (stage, task))
                .OrderBy(shard => shard.Shard)
                .SelectMany(shard => Scored(PredictionsFile.Read(Path.Combine(runFolder, shard.File)), byId, scorer)),
        ];
    }

    private static IReadOnlyList<AnsweredSample> Scored(
        IReadOnlyList<Prediction> predictions,
        ILookup<string, TestSample> byId,
        string scorer
    )
    {
        IReadOnlyList<TestSample> asked =
        [
            .. predictions.Select(prediction => prediction.QuestionId).Distinct().Select(id => Sample(byId, id)),
        ];
        var scores = ScoresFile.Join(
            asked.Select(sample => sample.QuestionId),
            TruthAlignment.Score(scorer, asked, predictions),
            TruthAlignment.Score(scorer, asked, predictions, ScoringKind.Corrected)
        );
        return Joined(predictions, byId, scores.ToLookup(score => score.QuestionId, StringComparer.Ordinal));
    }

    /// <summary>A question that was answered twice has its scores in the same order.</summary>
    private static List<AnsweredSample> Joined(
        IReadOnlyList<Prediction> predictions,
        ILookup<string, TestSample> byId,
        ILookup<string, SampleScore>? scores
    )
    {
        var times = new Dictionary<string, int>(StringComparer.Ordinal);
        return
        [
            .. predictions.Select(prediction =>
            {
                var time = times[prediction.QuestionId] = times.GetValueOrDefault(prediction.QuestionId, -1) + 1;
                return new AnsweredSample(
                    Sample(byId, prediction.QuestionId),
                    prediction.Text,
                    scores?[prediction.QuestionId].ElementAtOrDefault(time)
                );
            }),
        ];
    }

    private static TestSample Sample(ILookup<string, TestSample> byId, string id) =>
        byId[id].FirstOrDefault()
        ?? throw new CoinException($"The answers name the sample {id}, which the test set does not have. Put the former test file back.");
}
