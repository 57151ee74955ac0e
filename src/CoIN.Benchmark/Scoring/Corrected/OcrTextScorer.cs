using CoIN.Benchmark.Data;
using CoIN.Benchmark.Scoring.Published;

namespace CoIN.Benchmark.Scoring.Corrected;

/// <summary>
/// OCRBench's questions: right if the prediction holds one of the answers as whole words in the form of <see cref="AnswerText"/>, so that
/// "art" is not in "start"; a handwritten formula, whose marks and case are its meaning, as by the published rule.
/// </summary>
internal sealed class OcrTextScorer(string key) : CorrectedScorer(key)
{
    private readonly OcrBenchScorer formulas = new(key);

    protected override double Compare(TestSample sample, string prediction)
    {
        if (OcrBenchScorer.IsFormula(sample))
        {
            return formulas.Score(sample, prediction);
        }

        var given = AnswerText.Normalize(prediction);
        return sample
            .Answers.Where(answer => !string.IsNullOrWhiteSpace(answer))
            .Any(answer => AnswerText.ContainsWords(given, AnswerText.Normalize(answer)))
            ? 1
            : 0;
    }
}
