using CoIN.Benchmark.Experiments;
using CoIN.Models.Adapters.Peft;
using CoIN.Models.Modules;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Adapters.Lora;

/// <summary>The updates of one decoder layer.</summary>
internal sealed record LoraLayer(LoraLinear Qkv, LoraLinear Output, LoraLinear GateUp, LoraLinear Down)
{
    /// <summary>What stands before the layer's number in the names of its modules: see <see cref="DecoderNames.Modules"/>.</summary>
    public string Prefix { get; init; } = DecoderNames.Llama.Modules;

    public IEnumerable<LoraLinear> All => [Qkv, Output, GateUp, Down];
}

/// <summary>LoRA (Hu et al. 2021): low-rank updates of linear layers of the language model.</summary>
internal sealed class LoraAdapter(int rank, double alpha, IReadOnlyList<LoraLayer> layers, Projector? projector) : IAdapter
{
    private TypedMatrices? typed;

    public int Rank { get; } = rank;

    public double Alpha { get; } = alpha;

    /// <summary>α / r.</summary>
    public double Scaling => Alpha / Rank;

    public IReadOnlyList<LoraLayer> Layers { get; } = layers;

    /// <inheritdoc/>
    public Projector? Projector { get; } = projector;

    /// <inheritdoc/>
    public bool CanMerge => true;

    /// <summary>The updates' matrices in other types.</summary>
    public TypedMatrices Typed
    {
        get
        {
            lock (Layers)
            {
                return typed ??= new TypedMatrices(UpdateParameters());
            }
        }
    }

    /// <summary>The maps that it adapts, as <see cref="AdapterTargets.Described"/>.</summary>
    public IReadOnlyList<string> Targets =>
        AdapterTargets.Described(
            [
                .. Layers.Select(layer =>
                    layer.All.SelectMany(linear => linear.Whole.Select((part, i) => (part.Name, linear.Places.Contains(i)))).ToList()
                ),
            ],
            Layers[0].Prefix
        );

    /// <summary>A fresh adapter: the model answers as without it.</summary>
    /// <param name="like">Adapts the maps that this one does, whatever the options say; null for none.</param>
    public static LoraAdapter Initialize(
        DecoderModel language,
        Projector projector,
        LoraOptions options,
        Device device,
        long seed,
        LoraAdapter? like = null
    )
    {
        AdapterTargets.Check(options, language);
        using var generator = new Generator((ulong)seed, CPU);
        var targets = AdapterTargets.Of(options, language.Names);
        LoraLinear Of(int layer, Linear linear, LoraLinear? model) =>
            LoraLinear.Initialize(linear, options.Rank, device, generator, model?.Places ?? targets?.In(layer, linear));
        var layers = language
            .Layers.Select(
                (layer, i) =>
                    new LoraLayer(
                        Of(i, layer.Qkv, like?.Layers[i].Qkv),
                        Of(i, layer.Output, like?.Layers[i].Output),
                        Of(i, layer.GateUp, like?.Layers[i].GateUp),
                        Of(i, layer.Down, like?.Layers[i].Down)
                    )
                    {
                        Prefix = language.Names.Modules,
                    }
            )
            .ToList();
        return new LoraAdapter(options.Rank, options.Alpha, layers, options.TrainProjector ? projector.TrainableCopy() : null);
    }

    /// <inheritdoc/>
    public IDecoderUpdates Updates(Dropout? dropout = null) => new LoraUpdates(this, dropout);

    /// <inheritdoc/>
    public IAdapter WithAlpha(double alpha) => new LoraAdapter(Rank, alpha, Layers, Projector);

    /// <inheritdoc/>
    public IEnumerable<Tensor> UpdateParameters() => Layers.SelectMany(layer => layer.All).SelectMany(linear => linear.Parameters());

    /// <inheritdoc/>
    public IEnumerable<Tensor> Parameters() => Projector is null ? UpdateParameters() : UpdateParameters().Concat(Projector.Parameters);

    /// <inheritdoc/>
    public IEnumerable<(string Name, Tensor Tensor)> Named(Func<Tensor, Tensor>? of = null) =>
        PeftFolder.LowRank(this, of).Concat(PeftFolder.ProjectorWeights(Projector, of)).Select(pair => (pair.Key, pair.Value));

    /// <inheritdoc/>
    public void Write(string folder, double dropout, string baseModel) => PeftFolder.Write(folder, this, dropout, baseModel);

    public void Dispose()
    {
        typed?.Dispose();
        foreach (var linear in Layers.SelectMany(layer => layer.All))
        {
            linear.Dispose();
        }

        Projector?.Dispose();
    }
}
