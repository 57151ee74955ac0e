using CoIN.Benchmark.Data;

namespace CoIN.Benchmark.Scoring.Captions;

/// <summary>
/// CIDEr-D (Vedantam et al. 2015, arXiv:1411.5726), as COCO's caption evaluation computes it: for n of 1 to 4 the sequences of n words of
/// a caption are weighed by tf·idf, idf = ln(N / df), N the number of samples and df in how many samples' references the sequence stands;
/// for each reference, Σ min(c, r)·r / (‖c‖·‖r‖) · exp(−(l_c − l_r)² / 2σ²), σ = 6; the mean over the references and over n, times 10. So
/// a sample's score is 0 to 10, and depends on the references of the whole test set. As a percentage it is multiplied by 100, as papers
/// print CIDEr: above 100 is possible. Both scorings are the same; every sample counts, joined by id.
/// </summary>
internal sealed class CiderScorer(string key) : ITruthAlignmentScorer
{
    public string Key => key;

    public Pairing Pairing => Pairing.EachSample;

    public bool NeedsTestSet => true;

    public double Highest => ScoredSet.Highest;

    public ITruthAlignmentScorer For(IReadOnlyList<TestSample> samples) =>
        samples.Count > 1
            ? new Weighed(key, samples)
            : throw new CoinException(
                $"The scorer {key} weighs words by how many samples of the test set have them: of a single sample the score is always 0. "
                    + "Test more samples."
            );

    public double Score(TestSample sample, string prediction) =>
        throw new InvalidOperationException($"{key} scores a sample only within its test set");

    /// <summary>The rule with the document frequencies of one test set.</summary>
    private sealed class Weighed : ITruthAlignmentScorer
    {
        private const double Sigma = 6;

        private readonly double logSamples;
        private readonly Dictionary<string, int> frequencies = new(StringComparer.Ordinal);
        private readonly Dictionary<string, IReadOnlyList<CaptionGrams>> references = new(StringComparer.Ordinal);

        public Weighed(string key, IReadOnlyList<TestSample> samples)
        {
            Key = key;
            logSamples = Math.Log(samples.Count);
            foreach (var sample in samples)
            {
                IReadOnlyList<CaptionGrams> own =
                [
                    .. sample.Answers.Where(answer => !string.IsNullOrWhiteSpace(answer)).Select(CaptionGrams.Of),
                ];
                references[sample.QuestionId] = own;
                foreach (var gram in own.SelectMany(reference => reference.Distinct).Distinct(StringComparer.Ordinal))
                {
                    frequencies[gram] = frequencies.GetValueOrDefault(gram) + 1;
                }
            }
        }

        public string Key { get; }

        public double Highest => ScoredSet.Highest;

        public Pairing Pairing => Pairing.EachSample;

        public double Score(TestSample sample, string prediction)
        {
            var candidate = CaptionGrams.Of(prediction);
            var truths = references[sample.QuestionId];
            return ScoredSet.Highest * truths.Average(truth => Similarity(candidate, truth));
        }

        /// <summary>Mean over the lengths of sequences, 0 to 1.</summary>
        private double Similarity(CaptionGrams candidate, CaptionGrams truth)
        {
            var sum = 0.0;
            for (var length = 0; length < CaptionGrams.Longest; length++)
            {
                var (given, wanted) = (Weights(candidate.Counts[length]), Weights(truth.Counts[length]));
                var (norm, other) = (Norm(given), Norm(wanted));
                if (norm > 0 && other > 0)
                {
                    sum +=
                        given.Sum(pair => wanted.TryGetValue(pair.Key, out var weight) ? Math.Min(pair.Value, weight) * weight : 0)
                        / (norm * other);
                }
            }

            var apart = candidate.Length - truth.Length;
            return sum / CaptionGrams.Longest * Math.Exp(-(apart * apart) / (2 * Sigma * Sigma));
        }

        private Dictionary<string, double> Weights(IReadOnlyDictionary<string, int> counts) =>
            counts.ToDictionary(
                pair => pair.Key,
                pair => pair.Value * (logSamples - Math.Log(Math.Max(1, frequencies.GetValueOrDefault(pair.Key)))),
                StringComparer.Ordinal
            );

        private static double Norm(Dictionary<string, double> weights) => Math.Sqrt(weights.Values.Sum(weight => weight * weight));
    }
}
