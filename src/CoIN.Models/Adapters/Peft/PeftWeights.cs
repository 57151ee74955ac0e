using CoIN.Benchmark;
using CoIN.Benchmark.Learning;
using CoIN.Models.Checkpoints;
using CoIN.Models.Modules;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Adapters.Peft;

/// <summary>
/// The files of a PEFT adapter, opened: its low-rank matrices by the language model's modules, and the projector beside them.
/// </summary>
internal sealed class PeftWeights : IDisposable
{
    private const string Root = "base_model.model.";

    /// <summary>
    /// What stands before a layer's number: LLaMA and CoIN's LLaVA, then the hub's LLaVA, older and newer, then MiniGPT-v2, then Qwen-VL.
    /// </summary>
    private static readonly string[] LayerPrefixes =
    [
        $"{Root}model.layers.",
        $"{Root}language_model.model.layers.",
        $"{Root}model.language_model.layers.",
        $"llama_model.{Root}model.layers.",
        $"{Root}transformer.h.",
    ];

    /// <summary>In the order of preference.</summary>
    private static readonly string[] WeightNames = [AdapterFiles.Weights, "adapter_model.bin"];
    private static readonly string[] ProjectorNamesOfFiles =
    [
        AdapterFiles.Projector,
        "non_lora_trainables.bin",
        "mm_projector.safetensors",
        "mm_projector.bin",
    ];

    private readonly string prefix;

    private PeftWeights(PeftConfig config, CheckpointFolder weights, CheckpointFolder? projector)
    {
        Config = config;
        Weights = weights;
        Projector = projector;
        prefix = LayerPrefixes.FirstOrDefault(
            start => weights.Names.Any(name => name.StartsWith(start, StringComparison.Ordinal)),
            LayerPrefixes[0]
        );
    }

    public PeftConfig Config { get; }

    public CheckpointFolder Weights { get; }

    /// <summary>Null where the projector was not trained.</summary>
    public CheckpointFolder? Projector { get; }

    /// <summary>Whether a folder is an adapter's.</summary>
    public static bool IsAdapter(string folder) => File.Exists(Path.Combine(folder, AdapterFiles.Config));

    /// <summary>
    /// Opens an adapter folder; or a file that holds LoRA and projector among a stage's trained tensors, as MiniGPT-4's code saves them.
    /// </summary>
    /// <param name="alpha">The α of a file, which does not say it.</param>
    /// <exception cref="CoinException">Files are missing or damaged, or it is no plain LoRA adapter.</exception>
    public static PeftWeights Open(string folder, double? alpha = null)
    {
        if (File.Exists(folder))
        {
            return OpenFile(folder, alpha);
        }

        var config = PeftConfig.Read(Path.Combine(folder, AdapterFiles.Config));
        var path = Existing(folder, WeightNames)
            ?? throw new CoinException(
                $"{folder} has an {AdapterFiles.Config} but no weights ({string.Join(" or ", WeightNames)}). Copy them there."
            );
        var weights = CheckpointFolder.Open(path);
        try
        {
            var opened = new PeftWeights(
                config,
                weights,
                Existing(folder, ProjectorNamesOfFiles) is { } projector ? CheckpointFolder.Open(projector) : null
            );
            opened.CheckRank();
            return opened;
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    /// <summary>The matrices of one linear map of the language model, in float32 on the CPU.</summary>
    /// <param name="part">E.g. <c>self_attn.q_proj</c>.</param>
    /// <returns>
    /// A [r, inputs] and B [outputs, r]; null where the adapter leaves the map alone. What is missing is told by <see cref="Finish"/>.
    /// </returns>
    public (Tensor A, Tensor B)? Take(int layer, string part, long inputs, long outputs)
    {
        if (LeavesAlone(layer, part))
        {
            return null;
        }

        Tensor Matrix(string name, params long[] shape) => Weights.Take(NameOf(layer, part, name), ScalarType.Float32, CPU, shape);
        return (Matrix("lora_A", Config.Rank, inputs), Matrix("lora_B", outputs, Config.Rank));
    }

    /// <summary>Whether the adapter has matrices for a map, or should have.</summary>
    public bool Adapts(int layer, string part) =>
        !LeavesAlone(layer, part) || Weights.Names.Any(key => key.StartsWith($"{Module(layer, part)}.lora_", StringComparison.Ordinal));

    /// <summary>The parts of a map for which that holds, by number.</summary>
    public IReadOnlyList<int> AdaptedParts(int layer, Linear linear) =>
        [.. Enumerable.Range(0, linear.Parts.Count).Where(part => Adapts(layer, linear.Parts[part].Name))];

    /// <summary>As <see cref="Take"/>, into matrices that are there.</summary>
    public void TakeInto(int layer, string part, Tensor a, Tensor b)
    {
        Weights.TakeInto(NameOf(layer, part, "lora_A"), a);
        Weights.TakeInto(NameOf(layer, part, "lora_B"), b);
    }

    /// <summary>As <see cref="TakeInto"/>, an expert's matrices.</summary>
    /// <param name="a">[r / E, inputs].</param>
    /// <param name="b">[outputs, r / E], in any layout.</param>
    public void TakeExpertInto(int layer, string part, int expert, Tensor a, Tensor b)
    {
        TakeOneInto(layer, part, $"lora_A.loraA.{expert}", [$"lora_A.default.loraA.{expert}"], a);
        TakeOneInto(layer, part, $"lora_B.loraB.{expert}", [$"lora_B.default.loraB.{expert}"], b);
    }

    /// <summary>As <see cref="TakeInto"/>, a router.</summary>
    /// <param name="router">[E, inputs].</param>
    public void TakeRouterInto(int layer, string part, Tensor router) =>
        TakeOneInto(layer, part, "lora_router", ["lora_router.default"], router);

    /// <summary>The trained projector in float32, or null.</summary>
    /// <param name="likeBase">The base model's.</param>
    /// <exception cref="CoinException">It has no biases, and the adapter's projector has.</exception>
    public Projector? TakeProjector(Projector likeBase, Device device) =>
        TakeProjector(likeBase.Form, likeBase.Sizes, device, likeBase.HasBias);

    /// <inheritdoc cref="TakeProjector(Modules.Projector, Device)"/>
    /// <param name="sizes">Features of a picture's position, then those that each map gives.</param>
    /// <param name="bias">Whether the base model's has biases.</param>
    public Projector? TakeProjector(ProjectorForm form, IReadOnlyList<int> sizes, Device device, bool bias)
    {
        // CoIN writes the file, empty, for models without a projector too; what is in it then belongs to another model.
        if (Projector is null || form == ProjectorForm.None)
        {
            return null;
        }

        if (!bias)
        {
            throw new CoinException(
                $"{Projector.Path} holds a trained projector with biases, but the model's projector has none (multimodal_projector_bias is false). Use the model that it was trained for."
            );
        }

        return Modules.Projector.Take(Projector, form, form.In(Projector), sizes, ScalarType.Float32, device);
    }

    /// <summary>Settles the account of what was taken.</summary>
    /// <exception cref="CoinException">Something is missing, or belongs to no linear layer of the language model.</exception>
    public void Finish()
    {
        foreach (var file in new[] { Weights, Projector }.OfType<CheckpointFolder>())
        {
            var unused = file.Finish();
            if (unused.Count > 0)
            {
                throw new CoinException(
                    $"{file.Path}: {unused.Count} tensor(s) belong to no linear layer of this language model and are no projector: {NameList.Of(unused)}. "
                        + "The adapter was made for another model, or trains more than the language model."
                );
            }
        }
    }

    public void Dispose()
    {
        Weights.Dispose();
        Projector?.Dispose();
    }

    /// <summary>
    /// A tensor of MoELoRA. CoIN registers an expert's weight twice, as its own and as that of its <c>mlp</c>, and a state_dict has both.
    /// </summary>
    private void TakeOneInto(int layer, string part, string name, IEnumerable<string> others, Tensor target)
    {
        var module = Module(layer, part);
        var found = others
            .Prepend(name)
            .SelectMany(one => new[] { $"{module}.{one}.weight", $"{module}.{one}.mlp.weight" })
            .Where(Weights.Has)
            .ToList();
        var device = target.device_type == TorchSharp.DeviceType.META ? target.device : CPU;
        using var read = Weights.Take(found.FirstOrDefault($"{module}.{name}.weight"), ScalarType.Float32, device, target.shape);
        foreach (var again in found.Skip(1))
        {
            using var other = Weights.Take(again, ScalarType.Float32, device, target.shape);
            if (device.type != TorchSharp.DeviceType.META && !read.equal(other).all().item<bool>())
            {
                throw new CoinException(
                    $"{Weights.Path}: '{found[0]}' and '{again}' are names of one matrix and differ. Use the files of one adapter."
                );
            }
        }

        target.copy_(read);
    }

    private static PeftWeights OpenFile(string path, double? alpha)
    {
        var weights = CheckpointFolder.Open(path);
        CheckpointFolder? projector = null;
        try
        {
            static bool IsLowRank(string name) =>
                name.Contains(".lora_A.", StringComparison.Ordinal) || name.Contains(".lora_B.", StringComparison.Ordinal);
            var matrix = weights.Names.FirstOrDefault(name => name.Contains(".lora_A.", StringComparison.Ordinal))
                ?? throw new CoinException(
                    $"{path} holds no low-rank matrices. Name an adapter's folder, or the file of a stage that was trained with LoRA."
                );
            var config = new PeftConfig(
                path,
                (int)weights.Describe(matrix).Shape[0],
                alpha ?? throw new CoinException($"{path} does not say the alpha of its LoRA. Say it with lora.alpha."),
                null,
                "those that it holds",
                (_, _) => false
            );
            if (weights.Names.Any(name => !IsLowRank(name)))
            {
                projector = CheckpointFolder.Open(path);

                // What else stands there was frozen, and is the base model's.
                projector.Ignore(name => IsLowRank(name) || name.StartsWith("ln_vision.", StringComparison.Ordinal));
                weights.Ignore(name => !IsLowRank(name));
            }

            var opened = new PeftWeights(config, weights, projector);
            opened.CheckRank();
            return opened;
        }
        catch
        {
            weights.Dispose();
            projector?.Dispose();
            throw;
        }
    }

    private static string? Existing(string folder, IEnumerable<string> names) =>
        names.Select(name => Path.Combine(folder, name)).FirstOrDefault(File.Exists);

    private bool LeavesAlone(int layer, string part) =>
        Key(Module(layer, part), "lora_A") is null
        && Key(Module(layer, part), "lora_B") is null
        && !Config.IsTarget(Module(layer, part)[(prefix.IndexOf(Root, StringComparison.Ordinal) + Root.Length)..], layer);

    private string Module(int layer, string part) => $"{prefix}{layer}.{part}";

    private string NameOf(int layer, string part, string matrix) =>
        Key(Module(layer, part), matrix) ?? $"{Module(layer, part)}.{matrix}.weight";

    /// <summary>A matrix's name in the file; programs that save a PEFT model by themselves leave the adapter's name in it.</summary>
    private string? Key(string module, string matrix) =>
        new[] { $"{module}.{matrix}.weight", $"{module}.{matrix}.default.weight" }.FirstOrDefault(Weights.Has);

    private void CheckRank()
    {
        var first = Weights.Names.FirstOrDefault(name => name.Contains(".lora_A.", StringComparison.Ordinal))
            ?? throw new CoinException(
                $"{Weights.Path} holds no low-rank matrices: the adapter was saved empty, or these are another model's weights."
            );
        var isMixture = first.Contains(".loraA.", StringComparison.Ordinal);
        if (isMixture != Config.Experts is not null)
        {
            throw new CoinException(
                $"{Weights.Path} holds {(isMixture ? "experts" : "no experts")} ('{first}'), which is not what peft_type says in {Config.Path}. "
                    + "Use the files of one adapter."
            );
        }

        var shape = Weights.Describe(first).Shape;
        if (shape.Count != 2 || shape[0] != Config.Rank / (Config.Experts ?? 1))
        {
            var experts = Config.Experts is { } number ? $" and expert_num {number}" : "";
            throw new CoinException(
                $"{Weights.Path}: '{first}' has shape [{string.Join(", ", shape)}] but r is {Config.Rank}{experts} in {Config.Path}. "
                    + "Use the files of one adapter."
            );
        }
    }
}
