using System.Globalization;

namespace CoIN.Benchmark.Judging;

/// <summary>Replies of a judge in which no score was found, by what is known of why.</summary>
/// <param name="Finish"><see cref="JudgeReply.Finish"/>; null where it is not known.</param>
/// <param name="Empty">Whether they have no text, or none beside thinking.</param>
/// <param name="Count">How many they are.</param>
public sealed record UnscoredReplies(string? Finish, bool Empty, int Count)
{
    /// <summary>Those among judgements, the most frequent reason first.</summary>
    public static IReadOnlyList<UnscoredReplies> Of(IEnumerable<Judgement> judgements) =>
        Ordered(
            judgements
                .Where(one => one.Corrected is null)
                .Select(one => new UnscoredReplies(one.Finish, string.IsNullOrWhiteSpace(new JudgeReply(one.Reply).Spoken), 1))
        );

    /// <summary>Those of several cells together.</summary>
    public static IReadOnlyList<UnscoredReplies> Ordered(IEnumerable<UnscoredReplies> replies) =>
        [
            .. replies
                .GroupBy(one => (one.Finish, one.Empty))
                .Select(group => new UnscoredReplies(group.Key.Finish, group.Key.Empty, group.Sum(one => one.Count)))
                .OrderByDescending(one => one.Count)
                .ThenBy(one => one.Finish, StringComparer.Ordinal)
                .ThenBy(one => one.Empty),
        ];

    /// <summary>A sentence for people: how many, why, and what to do; null where every reply has a score.</summary>
    /// <param name="judge">The judge's name.</param>
    /// <param name="samples">Replies in all.</param>
    /// <param name="unparsable">Those without a score.</param>
    /// <param name="reasons">Why, as far as the run knows.</param>
    public static string? Told(string judge, int samples, int unparsable, IReadOnlyList<UnscoredReplies> reasons)
    {
        if (unparsable == 0)
        {
            return null;
        }

        var why = string.Join("; ", reasons.Select(one => one.Reason));
        return string.Create(
                CultureInfo.InvariantCulture,
                $"{unparsable} of {samples} replies of the judge {judge} have no score{(why.Length > 0 ? ": " + why : "")}."
            ) + (unparsable == samples ? " There is no number without a single score." : "");
    }

    private string Reason =>
        string.Create(CultureInfo.InvariantCulture, $"{Count} ")
        + this switch
        {
            { Finish: JudgeReply.Length } =>
                "ended at the token limit before a score (finish_reason length): raise judge.max-tokens and judge again",
            { Finish: JudgeReply.ContentFilter } => "held back by the endpoint's filter (finish_reason content_filter)",
            { Finish: JudgeReply.Refusal } => "refused by the model",
            { Empty: true } =>
                $"empty or nothing but thinking (finish_reason {Finish ?? "not told"}): raise judge.max-tokens, or switch the model's thinking off where it is served, and judge again",
            _ => "in which no single score can be made out",
        };
}
