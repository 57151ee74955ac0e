using CoIN.Benchmark.Methods;
using CoIN.Benchmark.Metrics;

namespace CoIN.Benchmark.Reports.Paper;

/// <summary>Results that the authors of CoIN printed, as far as they are known here.</summary>
/// <param name="Model">The base model, as <see cref="ModelDescription.Name"/> calls it.</param>
/// <param name="Method">How the tasks were learned.</param>
/// <param name="Tasks">The order of learning.</param>
/// <param name="TruthAlignmentBwt">BWT of Truth Alignment as printed, in points; null where it is not known.</param>
/// <param name="Reasoning">Reasoning Capability by its whole matrix; null where it is not known.</param>
/// <param name="ReasoningJudge">Who judged it.</param>
/// <param name="ReasoningMaa">MAA of Reasoning Capability as printed, in percent.</param>
/// <param name="ReasoningBwt">BWT of Reasoning Capability as printed, in points.</param>
/// <param name="Setting">How it was trained, as far as that is known; name and value.</param>
internal sealed record PublishedResult(
    string Model, string Method, IReadOnlyList<string> Tasks, double? TruthAlignmentBwt, AccuracyMatrix? Reasoning, string ReasoningJudge,
    double? ReasoningMaa, double? ReasoningBwt, IReadOnlyList<(string Name, string Value)> Setting)
{
    /// <summary>Chen et al., CoIN: A Benchmark of Continual Instruction Tuning for Multimodal Large Language Models, NeurIPS 2024.</summary>
    public const string Source = "Chen et al., CoIN: A Benchmark of Continual Instruction Tuning for Multimodal Large Language Models (NeurIPS 2024)";

    /// <summary>All that are known.</summary>
    public static IReadOnlyList<PublishedResult> All { get; } =
    [
        new(
            "LLaVA-7B", SequentialLora.Name,
            ["ScienceQA", "TextVQA", "ImageNet", "GQA", "VizWiz", "Grounding", "VQAv2", "OCR-VQA"],
            -32.62,
            new AccuracyMatrix(
            [
                [92], [92, 75], [70, 28, 97], [92, 65, 37, 72], [89, 44, 51, 57, 42], [98, 84, 98, 75, 70, 58], [85, 68, 59, 68, 40, 49, 75],
                [82, 74, 55, 56, 47, 52, 58, 78],
            ]),
            "Qwen1.5-32B-Chat", 71.28, -10.88,
            [
                ("LoRA rank", "128"), ("LoRA alpha", "256"), ("learning rate", "0.0002"), ("epochs", "1"), ("training samples", "all"),
                ("instructions", "Original"), ("test samples", "4,000 of TextVQA, ImageNet, VizWiz and VQAv2, 30,969 of Grounding"),
            ]),
    ];

    /// <summary>What was printed for the setting of a run: the same base model, method and order; null if nothing is known of it.</summary>
    public static PublishedResult? For(RunReport report) => All.FirstOrDefault(result =>
        report.Model?.Name == result.Model && report.Method == result.Method && report.Tasks.SequenceEqual(result.Tasks));
}
