using CoIN.Benchmark.Data;

namespace CoIN.Actors.Workers;

/// <summary>
/// The order in which a shard's questions are answered: questions about the same picture together, for they share its work, and prompts of
/// about equal lengths in a batch. A function of the samples alone, so that a shard that is answered again has the same batches.
/// </summary>
internal static class AnswerOrder
{
    /// <summary>Indices of samples in the order of answering.</summary>
    public static IReadOnlyList<int> Of(IReadOnlyList<TestSample> samples) =>
        [
            .. Enumerable
                .Range(0, samples.Count)
                .GroupBy(i => samples[i].Image ?? $"\0{i}", StringComparer.Ordinal)
                .OrderBy(group => group.Max(i => samples[i].Text.Length))
                .ThenBy(group => group.Min())
                .SelectMany(group => group),
        ];

    /// <summary>Puts what was answered in <paramref name="order"/> back into the samples' own.</summary>
    public static IReadOnlyList<Prediction> Restore(IReadOnlyList<Prediction> answers, IReadOnlyList<int> order)
    {
        var restored = new Prediction[answers.Count];
        for (var i = 0; i < restored.Length; i++)
        {
            restored[order[i]] = answers[i];
        }

        return restored;
    }
}
