using System.Globalization;
using CoIN.Benchmark.Scoring.Corrected;
using CoIN.Benchmark.Scoring.Published;

namespace CoIN.Benchmark.Judging;

/// <summary>
/// A rule in the place of a language model, for runs without one. It gives, of 10:
/// for boxes ten times their overlap (IoU), nothing where the answer is no box;
/// for words that are the same after normalising (case, articles, punctuation, number words) 10;
/// for an answer that holds the whole truth as words in their order at least 6, since the knowledge is there;
/// for everything else, and where it is more, ten times the F1 of the words in common;
/// to an empty answer 0. It knows no synonyms, no negation and no world: it is named lexical wherever its numbers are shown.
/// </summary>
internal sealed class LexicalJudge : IJudge
{
    private const double Contained = 6;

    /// <inheritdoc/>
    public string Fingerprint => "lexical-1";

    /// <inheritdoc/>
    public int BatchSize => 1000;

    /// <inheritdoc/>
    public Task AskAsync(IReadOnlyList<JudgeRequest> requests, Action<int, string> replied, CancellationToken stop)
    {
        for (var place = 0; place < requests.Count; place++)
        {
            stop.ThrowIfCancellationRequested();
            replied(place, Score(requests[place].Case).ToString("0.0", CultureInfo.InvariantCulture));
        }

        return Task.CompletedTask;
    }

    public void Dispose()
    {
        // Nothing is held.
    }

    /// <summary>0 to 10.</summary>
    internal static double Score(JudgedCase judged)
    {
        if (judged.Rule == JudgeRule.Grounding && BoxScorer.Parse(judged.Truth) is { } box)
        {
            return BoxScorer.Parse(judged.Answer) is { } answered ? 10 * Box.IntersectionOverUnion(box, answered) : 0;
        }

        var (truth, answer) = (AnswerText.Normalize(judged.Truth), AnswerText.Normalize(judged.Answer));
        if (answer.Length == 0)
        {
            return 0;
        }

        var common = InCommon(truth.Split(' '), answer.Split(' '));
        return truth == answer ? 10 : Math.Max(AnswerText.ContainsWords(answer, truth) ? Contained : 0, 10 * common);
    }

    /// <summary>F1 of two bags of words.</summary>
    private static double InCommon(string[] truth, string[] answer)
    {
        var counts = truth.CountBy(word => word).ToDictionary();
        var common = answer.Count(word => counts.TryGetValue(word, out var left) && left > 0 && (counts[word] = left - 1) >= 0);
        return 2.0 * common / (truth.Length + answer.Length);
    }
}
