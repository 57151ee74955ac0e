using CoIN.Models.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace CoIN.Models.Modules;

/// <summary>The LLaMA language model (Touvron et al. 2023), and those that are like it but for biases and names.</summary>
internal sealed class DecoderModel : IDisposable
{
    private readonly Rotary rotary;

    /// <summary>Takes the model out of a checkpoint.</summary>
    /// <param name="prefix">E.g. <c>language_model.model.</c>.</param>
    /// <param name="headName">E.g. <c>language_model.lm_head.weight</c>.</param>
    /// <param name="names">What follows the prefix; null for LLaMA's names.</param>
    /// <param name="nf4">
    /// How the layers' linear maps are held in four bits; null where they are held as they are. Embeddings, norms, biases and head always
    /// are, as in QLoRA.
    /// </param>
    public DecoderModel(
        CheckpointFolder checkpoint,
        string prefix,
        string headName,
        DecoderConfig config,
        ScalarType dtype,
        Device device,
        DecoderNames? names = null,
        Nf4Settings? nf4 = null
    )
    {
        (Config, Nf4) = (config, nf4);
        Names = names ??= DecoderNames.Llama;
        Embedding = checkpoint
            .Take($"{prefix}{names.Embedding}.weight", dtype, device, config.VocabularySize, config.HiddenSize)
            .DetachFromDisposeScope();
        Layers =
        [
            .. Enumerable
                .Range(0, config.Layers)
                .Select(i => new DecoderLayer(checkpoint, $"{prefix}{names.Layers}.{i}.", config, names, dtype, device, nf4)),
        ];
        Norm = checkpoint.Take($"{prefix}{names.Norm}.weight", dtype, device, config.HiddenSize).DetachFromDisposeScope();
        Head = config.TiedEmbeddings
            ? Embedding.alias().DetachFromDisposeScope()
            : checkpoint.Take(headName, dtype, device, config.VocabularySize, config.HiddenSize).DetachFromDisposeScope();

        // Old checkpoints store what is computed here.
        checkpoint.Ignore(name =>
            name.EndsWith(".rotary_emb.inv_freq", StringComparison.Ordinal) || (config.TiedEmbeddings && name == headName)
        );
        rotary = new Rotary(config, dtype, device);
    }

    private DecoderModel(DecoderModel other, IDecoderUpdates updates)
    {
        (Config, Names) = (other.Config, other.Names);
        Embedding = other.Embedding.alias().DetachFromDisposeScope();
        Norm = other.Norm.alias().DetachFromDisposeScope();
        Head = other.Head.alias().DetachFromDisposeScope();
        Layers = [.. other.Layers.Select((layer, i) => layer.Merged(updates.Layer(i)))];
        rotary = new Rotary(Config, Dtype, Device);
    }

    public DecoderConfig Config { get; }

    /// <summary>How the layers' linear maps are held in four bits; null where they are held as they are.</summary>
    public Nf4Settings? Nf4 { get; }

    /// <summary>What its weights are called.</summary>
    public DecoderNames Names { get; }

    /// <summary>[vocabulary, hidden size].</summary>
    public Tensor Embedding { get; }

    public IReadOnlyList<DecoderLayer> Layers { get; }

    /// <summary>[hidden size]: the final norm's weight.</summary>
    public Tensor Norm { get; }

    /// <summary>[vocabulary, hidden size].</summary>
    public Tensor Head { get; }

    /// <summary>Numbers of the layers' linear maps.</summary>
    public long MapNumbers => Layers.SelectMany(layer => layer.Linears).Sum(linear => (long)linear.Out * linear.In);

    public ScalarType Dtype => Embedding.dtype;

    public Device Device => Embedding.device;

    /// <summary>Rotary cosines and sines [positions, head size] by position, see <see cref="Rotary.All"/>.</summary>
    public (Tensor Cos, Tensor Sin) Rotations => rotary.All;

    /// <inheritdoc cref="Rotary.QueryScale"/>
    public Tensor? QueryScale => rotary.QueryScale;

    /// <summary>Where in <see cref="Rotations"/> the positions of a sequence begin in evaluation.</summary>
    /// <param name="prompt">Positions of its prompt.</param>
    public int RotationsFrom(int prompt) => (Config.LongContext?.Table(prompt) ?? 0) * Config.MaxPositions;

    /// <summary>What queries are multiplied with in evaluation: [N, 1, 1], or null for nothing.</summary>
    /// <param name="positions">int64 [N].</param>
    public Tensor? QueryScaleAt(Tensor positions) => QueryScale?.index_select(0, positions).view(-1, 1, 1);

    /// <summary>The model with updates folded into copies of the touched weights; shares all the others.</summary>
    /// <remarks>Not of weights in four bits: folded in, an update would be rounded to them.</remarks>
    public DecoderModel Merged(IDecoderUpdates updates) => new(this, updates);

    /// <summary>Hidden states before the final norm.</summary>
    /// <param name="embedded">[N, hidden size].</param>
    /// <param name="positions">
    /// int64 [N]: each one's place in its sequence, behind what <see cref="RotationsFrom"/> says; or [N, 3]: its places in time, height and
    /// width.
    /// </param>
    /// <param name="rows">int64: the only positions that are wanted, if given; the last layer leaves out what they do not need.</param>
    /// <returns>[N or <paramref name="rows"/>, hidden size].</returns>
    public Tensor Forward(
        Tensor embedded,
        Tensor positions,
        DecoderAttention attention,
        IDecoderUpdates? updates = null,
        Tensor? rows = null
    )
    {
        using var scope = NewDisposeScope();
        var rotation = rotary.At(positions);
        var x = embedded;
        for (var i = 0; i < Layers.Count; i++)
        {
            x = Layers[i].Forward(x, i, rotation, attention, updates?.Layer(i), i == Layers.Count - 1 ? rows : null);
        }

        return x.MoveToOuterDisposeScope();
    }

    /// <summary>The same for whole sequences.</summary>
    /// <param name="embedded">[sum of lengths, hidden size].</param>
    public Tensor Forward(Tensor embedded, PackedSequences sequences, IDecoderUpdates? updates = null, Tensor? rows = null) =>
        Forward(embedded, sequences.Positions, new WholeSequences(Config, sequences), updates, rows);

    /// <summary>The rotations of some positions, for layers that are run one by one.</summary>
    /// <param name="positions">int64 [N] or [N, 3].</param>
    public (Tensor Cos, Tensor Sin) Rotation(Tensor positions) => rotary.At(positions);

    /// <summary>Embeds token ids: int64 [N] to [N, hidden size].</summary>
    public Tensor Embed(Tensor ids) => Embedding.index_select(0, ids);

    /// <summary>The final norm.</summary>
    public Tensor Normalize(Tensor hidden) => RmsNorm.Forward(hidden, Norm, Config.RmsNormEps);

    /// <summary>Final norm and head: [N, hidden size] to float32 logits [N, vocabulary].</summary>
    public Tensor Logits(Tensor hidden) => F.linear(Normalize(hidden), Head).to(ScalarType.Float32);

    /// <summary>Every weight by its name in the checkpoint.</summary>
    public IEnumerable<(string Name, Tensor Tensor)> Named(string prefix, string headName) =>
        [
            ($"{prefix}{Names.Embedding}.weight", Embedding),
            .. Layers.SelectMany((layer, i) => layer.Named($"{prefix}{Names.Layers}.{i}.")),
            ($"{prefix}{Names.Norm}.weight", Norm),
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
