using CoIN.Benchmark.Data;

namespace CoIN.Benchmark.Checking;

/// <summary>
/// How many samples a task has by the paper (CoIN, NeurIPS 2024), which says it twice and differently: rounded in Table 1, exactly in
/// Appendix A.2. Most of its results were computed on smaller parts of the test sets.
/// </summary>
/// <param name="Table1Train">Thousands of training samples in Table 1.</param>
/// <param name="Table1Test">Thousands of test samples in Table 1.</param>
/// <param name="AppendixTrain">Training samples in Appendix A.2.</param>
/// <param name="AppendixTest">Test samples in Appendix A.2.</param>
public sealed record PublishedCounts(int Table1Train, int Table1Test, int AppendixTrain, int AppendixTest)
{
    private static readonly Dictionary<string, PublishedCounts> ByTask = new(StringComparer.Ordinal)
    {
        ["ScienceQA"] = new(12, 4, 12_726, 4_241),
        ["TextVQA"] = new(34, 5, 34_602, 5_000),
        ["ImageNet"] = new(129, 5, 117_715, 4_600),
        ["GQA"] = new(72, 1, 72_140, 12_578),
        ["VizWiz"] = new(20, 8, 20_523, 8_000),
        ["Grounding"] = new(55, 31, 111_770, 21_616),
        ["VQAv2"] = new(82, 107, 82_783, 44_793),
        ["OCR-VQA"] = new(165, 100, 166_043, 20_797),
    };

    /// <summary>The paper's numbers for one of its eight tasks; null for any other.</summary>
    public static PublishedCounts? Of(string task) => ByTask.GetValueOrDefault(task);
}
