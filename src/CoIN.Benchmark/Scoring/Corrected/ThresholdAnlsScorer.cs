using CoIN.Benchmark.Data;
using CoIN.Benchmark.Scoring.Published;

namespace CoIN.Benchmark.Scoring.Corrected;

/// <summary>
/// Average Normalized Levenshtein Similarity (Biten et al. 2019), the measure of DocVQA and InfographicVQA: as the published rule, but an
/// answer whose similarity is below one half is worth nothing, since it is another answer and not a misspelled one.
/// </summary>
internal sealed class ThresholdAnlsScorer(string key) : CorrectedScorer(key)
{
    private const double Threshold = 0.5;

    protected override double Compare(TestSample sample, string prediction) =>
        sample.Answers.Max(answer => AnlsScorer.Similarity(answer, prediction)) is var best && best >= Threshold ? best : 0;
}
