using System.Text.RegularExpressions;

namespace CoIN.Benchmark.Judging;

/// <summary>What a judge wrote.</summary>
/// <param name="Text">All of it, its thinking too where the judge sends that along.</param>
/// <param name="Finish">
/// Why it ended there, as endpoints call it: <c>stop</c>, <c>length</c>, <c>content_filter</c>, <c>refusal</c>; null where it is not known.
/// </param>
public sealed partial record JudgeReply(string Text, string? Finish = null)
{
    /// <summary>The model reached its token limit.</summary>
    public const string Length = "length";

    /// <summary>The endpoint held the reply back.</summary>
    public const string ContentFilter = "content_filter";

    /// <summary>The model would not answer.</summary>
    public const string Refusal = "refusal";

    /// <summary>
    /// The text without what the model thought before it: what follows the last end of a thought. Empty where a thought has no end, since
    /// whatever stands there was not meant as the answer.
    /// </summary>
    public string Spoken
    {
        get
        {
            var rest = EndOfThought().Match(Text) is { Success: true } end ? Text[(end.Index + end.Length)..] : Text;
            return StartOfThought().IsMatch(rest) ? "" : rest;
        }
    }

    // From the right, so that the first match is the last mark. Some chat templates write the opening mark themselves: then only the end is
    // in the reply.
    [GeneratedRegex(
        @"</(?:\w+:)?think(?:ing)?\s*>|</thought\s*>|\[/THINK\]|◁/think▷|<\|channel\|>\s*final\s*<\|message\|>",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.RightToLeft
    )]
    private static partial Regex EndOfThought();

    [GeneratedRegex(
        @"<(?:\w+:)?think(?:ing)?\s*>|<thought\s*>|\[THINK\]|◁think▷|<\|channel\|>\s*analysis",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant
    )]
    private static partial Regex StartOfThought();
}
