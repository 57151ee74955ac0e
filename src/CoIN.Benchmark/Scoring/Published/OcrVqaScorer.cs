using CoIN.Benchmark.Data;
using CoIN.Benchmark.Scoring.Python;

namespace CoIN.Benchmark.Scoring.Published;

/// <summary>OCR-VQA: right if equal in lower case; whatever contains <c>Unanswerable</c> is wrong, even where that is the answer.</summary>
internal sealed class OcrVqaScorer : ITruthAlignmentScorer
{
    public string Key => "ocrvqa";

    public Pairing Pairing => Pairing.EachPrediction;

    public double Score(TestSample sample, string prediction) =>
        !prediction.Contains("Unanswerable", StringComparison.Ordinal) && PythonText.Lower(prediction) == PythonText.Lower(sample.Answer)
            ? 1
            : 0;
}
