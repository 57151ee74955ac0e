using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Routing;
using CoIN.Models.Adapters.Peft;
using CoIN.Models.Modules;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Adapters.MoeLora;

/// <summary>The updates of one decoder layer.</summary>
internal sealed record MoeLoraLayer(MoeLoraLinear Qkv, MoeLoraLinear Output, MoeLoraLinear GateUp, MoeLoraLinear Down)
{
    /// <inheritdoc cref="LoraLayer.Prefix"/>
    public string Prefix { get; init; } = DecoderNames.Llama.Modules;

    public IEnumerable<MoeLoraLinear> All => [Qkv, Output, GateUp, Down];
}

/// <summary>MoELoRA (Chen et al. 2024): mixtures of low-rank updates of linear layers of the language model.</summary>
internal sealed class MoeLoraAdapter(int rank, double alpha, int experts, IReadOnlyList<MoeLoraLayer> layers, Projector? projector)
    : IAdapter,
        IRoutedAdapter
{
    private TypedMatrices? typed;

    /// <summary>Of all experts together.</summary>
    public int Rank { get; } = rank;

    public double Alpha { get; } = alpha;

    public int Experts { get; } = experts;

    /// <summary>α / r.</summary>
    public double Scaling => Alpha / Rank;

    public IReadOnlyList<MoeLoraLayer> Layers { get; } = layers;

    /// <inheritdoc/>
    public Projector? Projector { get; } = projector;

    /// <summary>The weights of the experts depend on the input: nothing in the base's weights can stand for them.</summary>
    public bool CanMerge => false;

    /// <summary>What is recorded of the routing; null where nobody wants to know.</summary>
    public RoutingMeter? Meter { get; set; }

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
    public static MoeLoraAdapter Initialize(
        DecoderModel language,
        Projector projector,
        LoraOptions options,
        int experts,
        Device device,
        long seed
    )
    {
        AdapterTargets.Check(options, language);
        using var generator = new Generator((ulong)seed, CPU);
        var targets = AdapterTargets.Of(options, language.Names);
        MoeLoraLinear Of(int layer, Linear linear) =>
            MoeLoraLinear.Initialize(linear, options.Rank, experts, device, generator, targets?.In(layer, linear));
        var layers = language
            .Layers.Select(
                (layer, i) =>
                    new MoeLoraLayer(Of(i, layer.Qkv), Of(i, layer.Output), Of(i, layer.GateUp), Of(i, layer.Down))
                    {
                        Prefix = language.Names.Modules,
                    }
            )
            .ToList();
        return new MoeLoraAdapter(options.Rank, options.Alpha, experts, layers, options.TrainProjector ? projector.TrainableCopy() : null);
    }

    /// <inheritdoc/>
    public IDecoderUpdates Updates(Dropout? dropout = null) => new MoeLoraUpdates(this, dropout);

    /// <inheritdoc/>
    public IAdapter WithAlpha(double alpha) => new MoeLoraAdapter(Rank, alpha, Experts, Layers, Projector);

    /// <inheritdoc/>
    public IEnumerable<Tensor> UpdateParameters() => Layers.SelectMany(layer => layer.All).SelectMany(linear => linear.Parameters());

    /// <inheritdoc/>
    public IEnumerable<Tensor> Parameters() => Projector is null ? UpdateParameters() : UpdateParameters().Concat(Projector.Parameters);

    /// <inheritdoc/>
    public IEnumerable<(string Name, Tensor Tensor)> Named(Func<Tensor, Tensor>? of = null) =>
        MoeLoraFolder.Experts(this, of).Concat(PeftFolder.ProjectorWeights(Projector, of)).Select(pair => (pair.Key, pair.Value));

    /// <inheritdoc/>
    public void Write(string folder, double dropout, string baseModel) => MoeLoraFolder.Write(folder, this, dropout, baseModel);

    /// <inheritdoc/>
    public void RecordRouting()
    {
        Meter?.Dispose();
        Meter = new RoutingMeter(
            [.. Layers.Select(layer => layer.All.SelectMany(linear => linear.Parts).Select(part => part.Name).ToList())],
            Experts
        );
    }

    /// <inheritdoc/>
    public ExpertRouting TakeRouting() => Meter!.Take();

    public void Dispose()
    {
        typed?.Dispose();
        Meter?.Dispose();
        foreach (var linear in Layers.SelectMany(layer => layer.All))
        {
            linear.Dispose();
        }

        Projector?.Dispose();
    }
}
