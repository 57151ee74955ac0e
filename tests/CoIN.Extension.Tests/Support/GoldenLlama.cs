using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Learning;
using CoIN.Models.Adapters;
using CoIN.Models.Checkpoints;
using CoIN.Models.Computing;
using CoIN.Models.Imaging;
using CoIN.Models.Methods;
using CoIN.Models.Modules;
using CoIN.Models.Sequences;
using CoIN.Models.Tests.Golden;
using CoIN.Models.Tests.Support;
using CoIN.Models.Training;
using Newtonsoft.Json.Linq;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Extension.Tests.Support;

/// <summary>Stages on the LLaMA and the samples of <c>golden/methods-llama</c>.</summary>
internal sealed class GoldenLlama(bool kernels) : IDisposable
{
    private readonly TextAlone model = new(Language(), TrainingWays.Backend(kernels));
    private readonly Dictionary<string, TokenizedSample> tokens = new[] { "old1", "old2", "new", "saved" }
        .SelectMany(Read)
        .ToDictionary(pair => pair.Id, pair => pair.Tokens);

    public TemporaryFolder Folder { get; } = new();

    public static JObject Meta { get; } = GoldenFolder.Json("methods-llama", "meta.json");

    /// <summary>The LLaMA.</summary>
    public IPictureModel Model => model;

    /// <summary>All samples of a set as one batch.</summary>
    public SequenceBatch Batch(string set) =>
        SequenceBatch.Create(
            [.. Samples(set).Select(sample => TrainingSet.Tokenize(new GivenTokens(tokens), sample))],
            model.ImageTokens,
            512,
            CPU
        );

    /// <summary>Tensors of a golden file below a prefix, by what follows it.</summary>
    public static Dictionary<string, Tensor> Expected(string file, string prefix)
    {
        var found = GoldenFolder
            .Tensors("methods-llama", file)
            .Where(pair => pair.Key.StartsWith(prefix, StringComparison.Ordinal))
            .ToDictionary(pair => pair.Key[prefix.Length..], pair => pair.Value);
        Assert.NotEmpty(found);
        return found;
    }

    /// <summary>Trains a stage and writes its adapter.</summary>
    /// <param name="set">Samples, in their order, a batch of all.</param>
    /// <param name="from">Folder of the adapter.</param>
    /// <param name="steps">Steps as the golden ones; 0 for one that moves nothing.</param>
    /// <param name="begun">What to do once the stage has begun.</param>
    /// <param name="kind">Of adapter that is trained; null for LoRA.</param>
    /// <returns>The folder.</returns>
    public string Train(
        string name,
        TrainingMethod? method,
        string set,
        string from,
        int steps,
        int stage = 1,
        Action? begun = null,
        IAdapterKind? kind = null
    )
    {
        var adamw = Meta["adamw"]!;
        var samples = Samples(set);
        var options = new ExperimentOptions
        {
            Name = "g",
            Method = PulledMethods.Watched,
            Tasks = [],
            Data = new DataOptions { Instructions = "", Images = "" },
            Model = new ModelOptions { MaxLength = 512 },
            Lora = new LoraOptions
            {
                Rank = (int)Meta["lora"]!["r"]!,
                Alpha = (double)Meta["lora"]!["alpha"]!,
                Dropout = 0,
                TrainProjector = false,
            },
            Training = new TrainingOptions
            {
                LearningRate = steps == 0 ? 0 : (double)adamw["lr"]!,
                Beta1 = (double)adamw["betas"]![0]!,
                Beta2 = (double)adamw["betas"]![1]!,
                Epsilon = (double)adamw["eps"]!,
                WeightDecay = (double)adamw["weight_decay"]!,
                MaxGradNorm = 0,
                WarmupRatio = 0,
                Schedule = Schedule.Constant,
                MaxSteps = Math.Max(steps, 1),
            },
        };
        using var session = new TrainingSession(
            model,
            options,
            new StageTraining(stage, set, samples.Count, samples, from, null),
            new GivenTokens(tokens),
            new ImageLoader("", 0, _ => throw new NotSupportedException()),
            method is null
                ? new TrainingMethods()
                : new TrainingMethods(new TrainingMethodEntry(options.Method, _ => method, kind is null ? null : _ => kind)),
            warning => Assert.Fail(warning)
        );
        begun?.Invoke();
        while (session.Step < session.TotalSteps)
        {
            session.NextStep();
        }

        var folder = Directory.CreateDirectory(Folder.Of(name)).FullName;
        session.SaveAdapter(folder);
        return folder;
    }

    /// <summary>A golden adapter with the method's state of another folder beside it.</summary>
    public string With(string adapter, string state)
    {
        var folder = Directory.CreateDirectory(Folder.Of($"{adapter}-with-{Path.GetFileName(state)}")).FullName;
        foreach (
            var file in Directory.GetFiles(GoldenFolder.Of("methods-llama", adapter)).Concat(Directory.GetFiles(state, "method_state.*"))
        )
        {
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)), overwrite: true);
        }

        return folder;
    }

    /// <summary>
    /// Weights after steps: AdamW divides by the gradients' size, so that where these are next to nothing a few may differ.
    /// </summary>
    public static void AssertTrained(IReadOnlyDictionary<string, Tensor> expected, string folder)
    {
        using var found = new SafetensorsFile(Path.Combine(folder, AdapterFiles.Weights));
        var off = expected.Select(pair => (pair.Value - found.Read(pair.Key)).abs().flatten()).ToArray();
        var all = cat(off);
        Assert.InRange(all.max().item<float>(), 0, 0.02f);
        Assert.InRange(all.gt(1e-4).to(ScalarType.Float64).mean().item<double>(), 0, 0.001);
    }

    public void Dispose()
    {
        model.Dispose();
        Folder.Dispose();
    }

    private IReadOnlyList<TrainingSample> Samples(string set) =>
        [
            .. tokens
                .Keys.Where(id => id.StartsWith(set + "-", StringComparison.Ordinal))
                .Order(StringComparer.Ordinal)
                .Select(id => new TrainingSample(id, null, [])),
        ];

    private static DecoderModel Language()
    {
        using var checkpoint = CheckpointFolder.Open(GoldenFolder.Of("methods-llama", "llama"));
        var config = GoldenFolder.Json("methods-llama", "llama", "config.json");
        int Of(string key) => (int)config[key]!;
        return new DecoderModel(
            checkpoint,
            "model.",
            "lm_head.weight",
            new DecoderConfig(
                Of("hidden_size"),
                Of("intermediate_size"),
                Of("num_hidden_layers"),
                Of("num_attention_heads"),
                Of("num_key_value_heads"),
                Of("vocab_size"),
                (double)config["rms_norm_eps"]!,
                (double?)(config["rope_theta"] ?? config["rope_parameters"]?["rope_theta"]) ?? 10000,
                Of("max_position_embeddings"),
                false
            ),
            ScalarType.Float32,
            CPU
        );
    }

    private static IEnumerable<(string Id, TokenizedSample Tokens)> Read(string set)
    {
        var inputs = GoldenFolder.Tensors("methods-llama", "inputs.safetensors");
        List<int> Row(string part, long row, long length) =>
            [.. inputs[$"{set}.{part}"][row].data<long>().Take((int)length).Select(value => (int)value)];
        return Enumerable
            .Range(0, (int)inputs[$"{set}.input_ids"].size(0))
            .Select(row =>
            {
                var length = inputs[$"{set}.attention_mask"][row].sum().item<long>();
                return ($"{set}-{row:0000}", new TokenizedSample(Row("input_ids", row, length), Row("labels", row, length)));
            })
            .ToList();
    }
}
