using CoIN.Models.Adapters;
using CoIN.Models.Checkpoints;
using CoIN.Models.Generation;
using CoIN.Models.Kernels;
using CoIN.Models.Llava;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace CoIN.Models.Modules;

/// <summary>The LLaMA language model (Touvron et al. 2023), which is Qwen2's too but for biases.</summary>
internal sealed class LlamaModel : IPromptedModel, IDisposable
{
    private readonly Rotary rotary;

    /// <summary>Takes the model out of a checkpoint.</summary>
    /// <param name="prefix">E.g. <c>language_model.model.</c>.</param>
    /// <param name="headName">E.g. <c>language_model.lm_head.weight</c>.</param>
    public LlamaModel(CheckpointFolder checkpoint, string prefix, string headName, LlamaConfig config, ScalarType dtype, Device device)
    {
        Config = config;
        Embedding = checkpoint.Take($"{prefix}embed_tokens.weight", dtype, device, config.VocabularySize, config.HiddenSize).DetachFromDisposeScope();
        Layers = [.. Enumerable.Range(0, config.Layers).Select(i => new LlamaLayer(checkpoint, $"{prefix}layers.{i}.", config, dtype, device))];
        Norm = checkpoint.Take($"{prefix}norm.weight", dtype, device, config.HiddenSize).DetachFromDisposeScope();
        Head = config.TiedEmbeddings
            ? Embedding.alias().DetachFromDisposeScope()
            : checkpoint.Take(headName, dtype, device, config.VocabularySize, config.HiddenSize).DetachFromDisposeScope();

        // Old checkpoints store what is computed here.
        checkpoint.Ignore(name => name.EndsWith(".rotary_emb.inv_freq", StringComparison.Ordinal) || (config.TiedEmbeddings && name == headName));
        rotary = new Rotary(config.MaxPositions, config.HeadSize, config.RopeTheta, dtype, device);
    }

    private LlamaModel(LlamaModel other, LoraAdapter adapter)
    {
        Config = other.Config;
        Embedding = other.Embedding.alias().DetachFromDisposeScope();
        Norm = other.Norm.alias().DetachFromDisposeScope();
        Head = other.Head.alias().DetachFromDisposeScope();
        Layers = [.. other.Layers.Zip(adapter.Layers, (layer, lora) => layer.Merged(lora, adapter.Scaling))];
        rotary = new Rotary(Config.MaxPositions, Config.HeadSize, Config.RopeTheta, Dtype, Device);
    }

    public LlamaConfig Config { get; }

    /// <summary>[vocabulary, hidden size].</summary>
    public Tensor Embedding { get; }

    public IReadOnlyList<LlamaLayer> Layers { get; }

    /// <summary>[hidden size]: the final norm's weight.</summary>
    public Tensor Norm { get; }

    /// <summary>[vocabulary, hidden size].</summary>
    public Tensor Head { get; }

    LlamaModel IPromptedModel.Language => this;

    int IPromptedModel.ImageTokens => 0;

    public ScalarType Dtype => Embedding.dtype;

    public Device Device => Embedding.device;

    /// <summary>The model with an adapter folded into copies of the touched weights; shares all the others.</summary>
    public LlamaModel Merged(LoraAdapter adapter) => new(this, adapter);

    /// <summary>Hidden states of whole sequences, before the final norm.</summary>
    /// <param name="embedded">[sum of lengths, hidden size].</param>
    /// <param name="keep">Receives every layer's keys and values [sum of lengths, heads, size], if given.</param>
    /// <param name="afterLayer">Sees every layer's output, if given.</param>
    /// <param name="rows">int64: the only positions that are wanted, if given; the last layer leaves out what they do not need.</param>
    /// <returns>[sum of lengths or <paramref name="rows"/>, hidden size].</returns>
    public Tensor Forward(
        Tensor embedded, PackedSequences sequences, LoraAdapter? adapter = null, Dropout? dropout = null,
        Action<int, Tensor, Tensor>? keep = null, Action<int, Tensor>? afterLayer = null, Tensor? rows = null)
    {
        using var scope = NewDisposeScope();
        var rotation = rotary.At(sequences.Positions);
        var pass = adapter is null ? null : new AdapterPass(adapter.Scaling, dropout);
        var x = embedded;
        for (var i = 0; i < Layers.Count; i++)
        {
            var layer = i;
            dropout?.BeginLayer(i);
            x = Layers[i].Forward(
                x, sequences, rotation, pass, adapter?.Layers[i], keep is null ? null : (k, v) => keep(layer, k, v), i == Layers.Count - 1 ? rows : null);
            afterLayer?.Invoke(i, x);
        }

        return x.MoveToOuterDisposeScope();
    }

    /// <summary>The rotations of every position, for layers that are run one by one.</summary>
    public (Tensor Cos, Tensor Sin) Rotation(PackedSequences sequences) => rotary.At(sequences.Positions);

    /// <summary>Rotary cosines and sines [positions, head size] by position.</summary>
    public (Tensor Cos, Tensor Sin) Rotations => rotary.All;

    /// <summary>Hidden states of several new positions of each sequence, before the final norm; see <see cref="LlamaLayer.Extend"/>.</summary>
    /// <param name="embedded">[sum of new positions, hidden size].</param>
    /// <param name="positions">int64 [sum of new positions].</param>
    public Tensor Extend(
        Tensor embedded, PackedSequences sequences, Tensor positions, IReadOnlyList<LayerCache> caches, IReadOnlyList<CachePlace> places, Tensor mask,
        LoraAdapter? adapter)
    {
        using var scope = NewDisposeScope();
        var rotation = rotary.At(positions);
        var pass = adapter is null ? null : new AdapterPass(adapter.Scaling, null);
        var x = embedded;
        for (var i = 0; i < Layers.Count; i++)
        {
            x = Layers[i].Extend(x, sequences, rotation, caches[i], places, mask, pass, adapter?.Layers[i]);
        }

        return x.MoveToOuterDisposeScope();
    }

    /// <summary>Hidden states of one new position of each sequence, before the final norm.</summary>
    /// <param name="embedded">[sequences, hidden size].</param>
    /// <param name="positions">int64 [sequences].</param>
    public Tensor Decode(Tensor embedded, Tensor positions, IReadOnlyList<LayerCache> caches, Tensor slots, Tensor mask, LoraAdapter? adapter)
    {
        using var scope = NewDisposeScope();
        var rotation = rotary.At(positions);
        var pass = adapter is null ? null : new AdapterPass(adapter.Scaling, null);
        var x = embedded;
        for (var i = 0; i < Layers.Count; i++)
        {
            x = Layers[i].Decode(x, rotation, caches[i], slots, mask, pass, adapter?.Layers[i]);
        }

        return x.MoveToOuterDisposeScope();
    }

    /// <summary>Hidden states of new positions of several sequences, before the final norm, by <see cref="CpuKernels"/>; see <see cref="LlamaLayer.Pass"/>.</summary>
    /// <param name="embedded">[N, hidden size]. Its memory is used for the result.</param>
    /// <param name="wanted">The positions whose states are wanted.</param>
    /// <returns>[wanted positions, hidden size].</returns>
    public Tensor Pass(Tensor embedded, IReadOnlyList<NewPositions> stored, IReadOnlyList<NewPositions> wanted)
    {
        using var scope = NewDisposeScope();
        var x = embedded;
        for (var i = 0; i < Layers.Count; i++)
        {
            x = Layers[i].Pass(x, i, stored, i == Layers.Count - 1 ? wanted : null, rotary.All);
        }

        return x.MoveToOuterDisposeScope();
    }

    /// <summary>Embeds token ids: int64 [N] to [N, hidden size].</summary>
    public Tensor Embed(Tensor ids) => Embedding.index_select(0, ids);

    Tensor IPromptedModel.Embed(LlavaBatch batch, Tensor? features, Projector? projector) => Embed(batch.TextIds);

    /// <summary>The final norm.</summary>
    public Tensor Normalize(Tensor hidden) => RmsNorm.Forward(hidden, Norm, Config.RmsNormEps);

    /// <summary>Final norm and head: [N, hidden size] to float32 logits [N, vocabulary].</summary>
    public Tensor Logits(Tensor hidden) => F.linear(Normalize(hidden), Head).to(ScalarType.Float32);

    /// <summary>The same where no gradient is wanted.</summary>
    public Tensor InferredLogits(Tensor hidden)
    {
        using var scope = NewDisposeScope();
        var normalized = CpuKernels.Serve(hidden) ? RowKernels.RmsNorm(hidden, Norm, Config.RmsNormEps) : Normalize(hidden);
        return MatrixProduct.Linear(normalized, Head, null).to(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    /// <summary>Every weight by its name in the checkpoint.</summary>
    public IEnumerable<(string Name, Tensor Tensor)> Named(string prefix, string headName) =>
    [
        ($"{prefix}embed_tokens.weight", Embedding),
        .. Layers.SelectMany((layer, i) => layer.Named($"{prefix}layers.{i}.")),
        ($"{prefix}norm.weight", Norm),
        .. Config.TiedEmbeddings ? Array.Empty<(string, Tensor)>() : [(headName, Head)],
    ];

    /// <summary>The tensors as they are held (fused ones once).</summary>
    public IEnumerable<Tensor> Parameters() =>
        [Embedding, Norm, .. Layers.SelectMany(layer => layer.Parameters()), .. Config.TiedEmbeddings ? Array.Empty<Tensor>() : [Head]];

    public void Dispose()
    {
        foreach (var tensor in Parameters())
        {
            tensor.Dispose();
        }

        rotary.Dispose();
    }
}
