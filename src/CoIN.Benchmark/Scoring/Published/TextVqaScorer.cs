using CoIN.Benchmark.Data;

namespace CoIN.Benchmark.Scoring.Published;

/// <summary>
/// TextVQA: the soft accuracy over ten human answers. Each answer in turn is left out; the prediction earns min(1, n / 3) for n of the
/// other nine that equal it; the score is the mean of these ten (Antol et al. 2015).
/// </summary>
internal sealed class TextVqaScorer : ITruthAlignmentScorer
{
    private const int Annotators = 10;

    public string Key => "textvqa";

    public Pairing Pairing => Pairing.EachPrediction;

    public double Score(TestSample sample, string prediction)
    {
        if (sample.Answers.Count != Annotators)
        {
            throw new CoinException(
                $"Question {sample.QuestionId} has {sample.Answers.Count} reference answer{(sample.Answers.Count == 1 ? "" : "s")} where the scorer textvqa needs {Annotators}. "
                    + "Put the ten human answers into the test file as a list, or choose the scorer vqav2, which compares with one answer."
            );
        }

        var given = TextVqaNormalizer.Normalize(prediction);
        var equal = sample.Answers.Select(answer => TextVqaNormalizer.Normalize(answer) == given).ToArray();
        var count = equal.Count(same => same);
        return count == 0 ? 0 : equal.Sum(same => Math.Min(1.0, (count - (same ? 1 : 0)) / 3.0)) / Annotators;
    }
}
