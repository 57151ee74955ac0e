using CoIN.Models.Modules;
using static TorchSharp.torch;

namespace CoIN.Models.Adapters.Lora;

/// <summary>LoRA's updates in one pass.</summary>
/// <param name="dropout">Null where nothing is dropped.</param>
internal sealed class LoraUpdates(LoraAdapter adapter, Dropout? dropout) : IDecoderUpdates
{
    private readonly IReadOnlyList<LayerUpdates> layers = [.. adapter.Layers.Select(layer => new LayerUpdates(layer, adapter.Scaling, dropout))];

    /// <inheritdoc/>
    public ILayerUpdates Layer(int layer)
    {
        dropout?.BeginLayer(layer);
        return layers[layer];
    }

    private sealed class LayerUpdates(LoraLayer layer, double scaling, Dropout? dropout) : ILayerUpdates
    {
        public ILinearUpdate Qkv { get; } = new LoraUpdate(layer.Qkv, scaling, dropout);

        public ILinearUpdate Output { get; } = new LoraUpdate(layer.Output, scaling, dropout);

        public ILinearUpdate GateUp { get; } = new LoraUpdate(layer.GateUp, scaling, dropout);

        public ILinearUpdate Down { get; } = new LoraUpdate(layer.Down, scaling, dropout);
    }
}

/// <summary>The low-rank updates of one <see cref="Linear"/> in one pass.</summary>
/// <param name="Scaling">α / r.</param>
/// <param name="Dropout">Drops inputs, independently for each part; null for none.</param>
internal sealed record LoraUpdate(LoraLinear Lora, double Scaling, Dropout? Dropout) : ILinearUpdate
{
    /// <inheritdoc/>
    public Tensor[] AddTo(Tensor[] outputs, Tensor x) => Lora.AddTo(outputs, x, Scaling, Dropout);

    /// <inheritdoc/>
    public Tensor Merge(Linear linear) => Lora.Merge(linear, Scaling);
}
