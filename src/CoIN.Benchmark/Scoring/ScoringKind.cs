namespace CoIN.Benchmark.Scoring;

/// <summary>The two ways in which Truth Alignment is computed. Every number says which one it is of.</summary>
public enum ScoringKind
{
    /// <summary>The rules of CoIN's public code with their quirks: for comparing with the paper.</summary>
    Published,

    /// <summary>What the metric means: every sample counts, joined by id, compared in a normalised form.</summary>
    Corrected,
}
