using CoIN.Benchmark.Scoring.Captions;
using CoIN.Benchmark.Scoring.Corrected;
using CoIN.Benchmark.Scoring.Published;

namespace CoIN.Benchmark.Scoring;

/// <summary>
/// The rules of Truth Alignment by key: one for each task of CoIN, in both scorings, and general ones for tasks of one's own.
/// </summary>
public static class Scorers
{
    /// <summary>Those that this process knows, the one place where a rule is made known: one class and one line here.</summary>
    public static Registry<ScoringRule> Known { get; } =
        new(
            "scorer",
            rule => rule.Published.Key,
            "",
            new(new ScienceQaScorer(), new OptionScorer("scienceqa")),
            new(new TextVqaScorer(), new VqaScorer("textvqa")),
            new(new ImageNetScorer(), new ContainsScorer("imagenet", synonyms: true)),
            new(new GqaScorer(), new NormalizedScorer("gqa")),
            new(new UpperCaseScorer("vizwiz"), new VqaScorer("vizwiz")),
            new(new GroundingScorer(), new BoxScorer("grounding", unpadded: false)),
            new(new MiniGptGroundingScorer(), new BoxScorer("grounding-minigpt", unpadded: true)),
            new(new UpperCaseScorer("vqav2"), new VqaScorer("vqav2")),
            new(new OcrVqaScorer(), new NormalizedScorer("ocrvqa")),
            // Other benchmarks' rules, as their public code has them.
            new(new UpperCaseScorer("ucit"), new NormalizedScorer("ucit")),
            new(new HoldsScorer("mllm-cl"), new ContainsScorer("mllm-cl", synonyms: false)),
            new(new MllmClScienceScorer("mllm-cl-science"), new ScienceListScorer("mllm-cl-science")),
            new(new OcrBenchScorer("ocrbench"), new OcrTextScorer("ocrbench")),
            new(new BareHoldsScorer("mllm-cl-perception"), new ContainsScorer("mllm-cl-perception", synonyms: false)),
            new(new AnlsScorer("anls"), new ThresholdAnlsScorer("anls")),
            new(new CiderScorer("cider")),
            // CoIN has published nothing about these: both scorings are the same.
            new(new ExactScorer("exact")),
            new(new NormalizedScorer("normalized")),
            new(new ContainsScorer("contains", synonyms: false)),
            new(new VqaScorer("vqa")),
            new(new OptionScorer("choice")),
            new(new BoxScorer("box", unpadded: false))
        );

    /// <summary>All keys.</summary>
    public static IReadOnlyCollection<string> Keys => Known.Keys;

    /// <summary>The rule of a key in one of the scorings.</summary>
    /// <exception cref="CoinException">There is no such rule; the message names the nearest key and all others.</exception>
    public static ITruthAlignmentScorer Of(string key, ScoringKind scoring = ScoringKind.Published) =>
        scoring == ScoringKind.Published ? Known.Of(key).Published : Known.Of(key).Corrected;
}

/// <summary>A rule of Truth Alignment in both scorings.</summary>
/// <param name="Published">As the task's authors compute it.</param>
/// <param name="Corrected">As it is meant.</param>
public sealed record ScoringRule(ITruthAlignmentScorer Published, ITruthAlignmentScorer Corrected)
{
    /// <summary>A rule that is the same in both scorings.</summary>
    public ScoringRule(ITruthAlignmentScorer both)
        : this(both, both) { }
}
