using CoIN.Benchmark.Instructions;

namespace CoIN.Benchmark.Published;

/// <summary>The setting of a published result: what the paper varies.</summary>
/// <param name="Model">
/// Family and size class as <c>ModelDescription.Name</c> has them (<c>LLaVA-7B</c>), or the family alone (<c>Qwen-VL</c>).
/// </param>
/// <param name="Method">Key of the method, e.g. <c>moelora</c>.</param>
/// <param name="Instructions">Type of the instructions.</param>
/// <param name="Volume">Part of the training data, greater than 0 and at most 1.</param>
/// <param name="Rank">Rank of the adapter (over all experts).</param>
/// <param name="Experts">Number of experts; null for methods without, and where it is not published.</param>
public sealed record PublishedSetting(
    string Model,
    string Method,
    InstructionType Instructions,
    double Volume,
    int Rank,
    int? Experts = null
);
