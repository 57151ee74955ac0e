using System.CommandLine;
using CoIN.Benchmark;
using CoIN.Speed.Comparison;
using CoIN.Speed.Workloads;

namespace CoIN.Speed;

/// <summary>What a comparison measures.</summary>
/// <param name="Python">A python3 with torch and transformers, or null to measure the product alone.</param>
/// <param name="ImageTokens">Each a square number: image tokens of a picture.</param>
internal sealed record CompareOptions(
    string? Python,
    int Rounds,
    int Threads,
    bool Quick,
    IReadOnlyList<int> ImageTokens,
    string? Only,
    string Dtype,
    int Seed,
    int BatchSize,
    string? Out,
    string Family = "llava"
)
{
    public string Device { get; init; } = "cpu";

    /// <summary>Layers of a language model in LLaVA-1.5-7B's sizes; null for the mid-size model.</summary>
    public int? Layers { get; init; }

    public int Rank { get; init; } = 16;

    public bool Checkpointing { get; init; }

    /// <summary>
    /// About as many positions as all training samples have together; null for as many samples as a batch of the mid-size model has.
    /// </summary>
    public int? Positions { get; init; }

    /// <summary>Questions of each task.</summary>
    public int Questions { get; init; } = Quick ? 4 : 16;

    /// <summary>Type in which the weights are written; both sides load them in <paramref name="Dtype"/>.</summary>
    public string Stored { get; init; } = "float32";

    public SpeedSize SizeOf(int imageTokens) => new(imageTokens, Quick, Layers);

    public bool Trains => Only is null or "train";

    public bool Generates => Only is null or "generate";
}

/// <summary>The command line of a comparison.</summary>
internal static class CompareCommand
{
    public static RootCommand Build()
    {
        var python = new Option<string?>("--python")
        {
            HelpName = "PATH",
            Description = "A python3 with torch and transformers; without it the peer is left out",
        };
        var rounds = new Option<int>("--rounds")
        {
            DefaultValueFactory = _ => 3,
            Description = "Measured rounds; every side takes its turn in each",
        };
        var threads = new Option<int>("--threads")
        {
            DefaultValueFactory = _ => Environment.ProcessorCount,
            Description = "Compute threads of each side",
        };
        var quick = new Option<bool>("--quick") { Description = "A small model and few samples: shows that it works, not how fast" };
        var tokens = new Option<int[]>("--image-tokens")
        {
            AllowMultipleArgumentsPerToken = true,
            Description = "Image tokens of a picture (576 64; Qwen-VL: 256)",
        };
        var only = new Option<string?>("--only") { Description = "train or generate" };
        only.AcceptOnlyFromAmong("train", "generate");
        var dtype = new Option<string>("--dtype")
        {
            DefaultValueFactory = _ => "float32",
            Description = "Type of the base model's weights",
        };
        dtype.AcceptOnlyFromAmong("float32", "bfloat16");
        var seed = new Option<int>("--seed") { DefaultValueFactory = _ => 42, Description = "Draws weights, lengths and words" };
        var batch = new Option<int>("--batch-size")
        {
            DefaultValueFactory = _ => 16,
            Description = "Prompts per batch of the product's evaluation",
        };
        var family = new Option<string>("--family")
        {
            DefaultValueFactory = _ => SpeedFamily.All[0].Key,
            Description = "The model's family",
        };
        family.AcceptOnlyFromAmong([.. SpeedFamily.All.Select(one => one.Key)]);
        var file = new Option<string?>("--out") { HelpName = "FILE", Description = "Write all figures as JSON" };
        var root = new RootCommand(
            "Measures CoIN.Actors beside plain Hugging Face transformers: LoRA training and evaluation. With \"memory\" as its first word it compares the memory of trainings with what `coin plan` foretells."
        )
        {
            python,
            rounds,
            threads,
            quick,
            tokens,
            only,
            dtype,
            seed,
            batch,
            family,
            file,
        };
        root.SetAction(parsed =>
        {
            var given = parsed.GetValue(tokens) is { Length: > 0 } some ? some : SpeedFamily.Of(parsed.GetValue(family)!).UsualImageTokens;
            var options = new CompareOptions(
                parsed.GetValue(python),
                parsed.GetValue(rounds),
                parsed.GetValue(threads),
                parsed.GetValue(quick),
                given,
                parsed.GetValue(only),
                parsed.GetValue(dtype)!,
                parsed.GetValue(seed),
                parsed.GetValue(batch),
                parsed.GetValue(file),
                parsed.GetValue(family)!
            );
            Check(options);
            return Compare.Run(options, Console.Out);
        });
        return root;
    }

    private static void Check(CompareOptions options)
    {
        Require(options.Rounds >= 1, "--rounds", options.Rounds, "1 or more");
        Require(options.Threads >= 1, "--threads", options.Threads, "1 or more");
        Require(options.BatchSize >= 1, "--batch-size", options.BatchSize, "1 or more");
        foreach (var tokens in options.ImageTokens)
        {
            var edge = (int)Math.Round(Math.Sqrt(tokens));
            Require(
                tokens >= 1 && edge * edge == tokens,
                "--image-tokens",
                tokens,
                "a square number, for a picture has as many rows of patches as columns"
            );
            Require(
                SpeedFamily.Of(options.Family) is var family && (family.AnyImageTokens || family.UsualImageTokens.Contains(tokens)),
                "--image-tokens",
                tokens,
                $"{string.Join(" or ", family.UsualImageTokens)}, as {family.Key} has"
            );
        }

        if (options.Python is not null && !File.Exists(options.Python))
        {
            throw new CoinException(
                $"--python: there is no file {options.Python}. Give the path of a python3 that has torch and transformers."
            );
        }
    }

    private static void Require(bool condition, string option, int value, string wanted)
    {
        if (!condition)
        {
            throw new CoinException($"{option} is {value}; it has to be {wanted}.");
        }
    }
}
