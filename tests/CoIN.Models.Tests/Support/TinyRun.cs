using CoIN.Benchmark.Experiments;

namespace CoIN.Models.Tests.Support;

/// <summary>Options of runs on the tiny models, whose folder <c>model</c> they name.</summary>
internal static class TinyRun
{
    public static TaskOptions Task { get; } =
        new()
        {
            Name = "T",
            Folder = "t",
            Scorer = "gqa",
            MaxNewTokens = 6,
        };

    /// <summary>A tiny LLaVA with an adapter of rank 4.</summary>
    public static ExperimentOptions Options(TemporaryFolder folder, double dropout = 0.1) =>
        new()
        {
            Name = "t",
            Tasks = [Task],
            Data = new DataOptions { Instructions = "", Images = folder.Path },
            Model = new ModelOptions
            {
                Path = folder.Of("model"),
                MaxLength = 120,
                Conversation = "vicuna_v1_no_system",
            },
            Lora = new LoraOptions
            {
                Rank = 4,
                Alpha = 8,
                Dropout = dropout,
            },
        };
}
