using CoIN.Models.Modules;
using static TorchSharp.torch;

namespace CoIN.Models.Adapters.MoeLora;

/// <summary>MoELoRA's updates in one pass.</summary>
/// <param name="dropout">Null where nothing is dropped.</param>
internal sealed class MoeLoraUpdates(MoeLoraAdapter adapter, Dropout? dropout) : IDecoderUpdates
{
    private readonly IReadOnlyList<LayerUpdates> layers =
    [
        .. adapter.Layers.Select((layer, i) => new LayerUpdates(layer, adapter, dropout, i)),
    ];

    /// <inheritdoc/>
    public void Prepare(ScalarType dtype) => adapter.Typed.Refresh(dtype);

    /// <inheritdoc/>
    public void Begin(IReadOnlyList<int> prompts, IReadOnlyList<int> wanted) => adapter.Meter?.Begin(prompts, wanted);

    /// <inheritdoc/>
    public ILayerUpdates Layer(int layer)
    {
        dropout?.BeginLayer(layer);
        return layers[layer];
    }

    private sealed class LayerUpdates : ILayerUpdates
    {
        public LayerUpdates(MoeLoraLayer layer, MoeLoraAdapter adapter, Dropout? dropout, int number)
        {
            var first = 0;
            var meter = adapter.Meter;
            Tensor Typed(Tensor matrix, ScalarType dtype) =>
                adapter.Typed.Of(matrix, dtype) ?? throw new InvalidOperationException("Prepare comes first.");
            ILinearUpdate? Of(MoeLoraLinear linear, bool behind)
            {
                var part = first;
                first += linear.Parts.Count;
                return linear.Places.Count == 0
                    ? null
                    : new MoeLoraUpdate(
                        linear,
                        adapter.Scaling,
                        dropout,
                        meter is null ? null : gates => meter.Add(number, part, gates, behind)
                    )
                    {
                        Typed = Typed,
                    };
            }

            (Qkv, Output, GateUp, Down) = (Of(layer.Qkv, false), Of(layer.Output, true), Of(layer.GateUp, true), Of(layer.Down, true));
        }

        public ILinearUpdate? Qkv { get; }

        public ILinearUpdate? Output { get; }

        public ILinearUpdate? GateUp { get; }

        public ILinearUpdate? Down { get; }
    }
}

/// <summary>The mixtures of one <see cref="Linear"/> in one pass.</summary>
/// <param name="Scaling">α / r.</param>
/// <param name="Dropout">Drops inputs, independently for each part and expert; null for none.</param>
/// <param name="Routed">Receives the routing weights [N, parts, E]; null for nobody.</param>
internal sealed record MoeLoraUpdate(MoeLoraLinear Moe, double Scaling, Dropout? Dropout, Action<Tensor>? Routed) : ILinearUpdate
{
    /// <inheritdoc cref="Lora.LoraUpdate.Typed"/>
    public Func<Tensor, ScalarType, Tensor> Typed { get; init; } = static (matrix, dtype) => matrix.to(dtype);

    /// <inheritdoc/>
    public Tensor[] AddTo(Tensor[] outputs, Tensor x) => Moe.AddTo(outputs, x, Scaling, Dropout, Routed);

    /// <inheritdoc/>
    public Tensor Merge(Linear linear) =>
        throw new NotSupportedException("The weights of MoELoRA's experts depend on the input: it cannot be merged.");
}
