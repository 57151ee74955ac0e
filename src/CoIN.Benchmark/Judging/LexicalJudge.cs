using System.Globalization;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Scoring.Corrected;
using CoIN.Benchmark.Scoring.Published;

namespace CoIN.Benchmark.Judging;

/// <summary>
/// A rule in the place of a language model, for runs without one. It gives, of 10: for boxes ten times their overlap (IoU), nothing where
/// the answer is no box; for a multiple-choice question 10 where the answer names the right option, by its letter or by its text, and 0
/// where it names another; where it names none or several, ten times the F1 of the words that it has in common with the right option's
/// text; for words that are the same after normalising (case, articles, punctuation, number words) 10; for an answer that holds the whole
/// truth as words in their order at least 6, since the knowledge is there; for everything else, and where it is more, ten times the F1 of
/// the words in common; to an empty answer 0. It knows no synonyms, no negation and no world: it is named lexical wherever its numbers are
/// shown.
/// </summary>
internal sealed class LexicalJudge : IJudge
{
    /// <summary>Changes with every change of the rule, so that marks by different rules never stand as one judge's.</summary>
    internal const string Version = "lexical-2";

    private const double Contained = 6;

    /// <inheritdoc/>
    public string Fingerprint => Version;

    /// <inheritdoc/>
    public int BatchSize => 1000;

    /// <inheritdoc/>
    public Task AskAsync(IReadOnlyList<JudgeRequest> requests, Action<int, JudgeReply> replied, CancellationToken stop)
    {
        for (var place = 0; place < requests.Count; place++)
        {
            stop.ThrowIfCancellationRequested();
            replied(place, new JudgeReply(Score(requests[place].Case).ToString("0.0", CultureInfo.InvariantCulture)));
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

        if (Choice.Of(judged) is { } choice)
        {
            return choice.Score(judged.Answer);
        }

        var (truth, answer) = (AnswerText.Normalize(judged.Truth), AnswerText.Normalize(judged.Answer));
        if (answer.Length == 0)
        {
            return 0;
        }

        return truth == answer ? 10 : Math.Max(AnswerText.ContainsWords(answer, truth) ? Contained : 0, 10 * InCommon(truth, answer));
    }

    /// <summary>F1 of the words of two normalised texts.</summary>
    private static double InCommon(string truths, string answers)
    {
        var (truth, answer) = (truths.Split(' '), answers.Split(' '));
        var counts = truth.CountBy(word => word).ToDictionary();
        var common = answer.Count(word => counts.TryGetValue(word, out var left) && left > 0 && (counts[word] = left - 1) >= 0);
        return 2.0 * common / (truth.Length + answer.Length);
    }

    /// <summary>A question that lists its options.</summary>
    /// <param name="Options">Their normalised texts.</param>
    /// <param name="Right">0-based.</param>
    private sealed record Choice(IReadOnlyList<string> Options, int Right)
    {
        /// <summary>Null where the question lists no options, or the truth is none of them.</summary>
        public static Choice? Of(JudgedCase judged)
        {
            var options = OptionLines.Read(judged.Question).Select(AnswerText.Normalize).ToList();
            return options.Count > 0 && OptionScorer.IndexOf(judged.Truth, options) is { } right && right < options.Count
                ? new Choice(options, right)
                : null;
        }

        public double Score(string answer)
        {
            if (string.IsNullOrWhiteSpace(answer))
            {
                return 0;
            }

            return OptionScorer.Named(answer.Trim(), Options.Count, Options) is { } named and >= 0
                ? named == Right
                    ? 10
                    : 0
                : 10 * InCommon(Options[Right], AnswerText.Normalize(answer));
        }
    }
}
