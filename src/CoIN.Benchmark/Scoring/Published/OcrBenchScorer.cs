using CoIN.Benchmark.Data;
using CoIN.Benchmark.Scoring.Python;

namespace CoIN.Benchmark.Scoring.Published;

/// <summary>
/// OCRBench's rule, by which MLLM-CL's OCR ability is tested (its public <c>eval_ocr.py</c>): right if one of the answers stands anywhere
/// in the prediction, both in lower case and without line breaks; of handwritten formulas without blanks and with their case. The kind of
/// a question is its <c>answer_type</c>. The benchmark prints hits / 10 of 1,000 questions, which is this percentage.
/// </summary>
internal sealed class OcrBenchScorer(string key) : ITruthAlignmentScorer
{
    private const string Formula = "Handwritten Mathematical Expression Recognition";

    public string Key => key;

    public Pairing Pairing => Pairing.EachPrediction;

    public double Score(TestSample sample, string prediction)
    {
        Func<string, string> form = IsFormula(sample) ? OfFormula : OfText;
        var given = form(prediction);
        return sample.Answers.Any(answer => given.Contains(form(answer), StringComparison.Ordinal)) ? 1 : 0;
    }

    /// <summary>Whether a handwritten formula is to be read.</summary>
    internal static bool IsFormula(TestSample sample) => sample.Kind == Formula;

    private static string OfText(string text) => PythonText.Strip(PythonText.Lower(text)).Replace("\n", "", StringComparison.Ordinal);

    private static string OfFormula(string text) =>
        PythonText.Strip(text).Replace(" ", "", StringComparison.Ordinal).Replace("\n", "", StringComparison.Ordinal);
}
