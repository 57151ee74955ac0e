using CoIN.Benchmark.Experiments;
using CoIN.Models.Adapters.Peft;
using CoIN.Models.Modules;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Adapters.Lora;

/// <summary>The updates of one decoder layer.</summary>
internal sealed record LoraLayer(LoraLinear Qkv, LoraLinear Output, LoraLinear GateUp, LoraLinear Down)
{
    public IEnumerable<LoraLinear> All => [Qkv, Output, GateUp, Down];
}

/// <summary>LoRA (Hu et al. 2021): low-rank updates of every linear layer of the language model.</summary>
internal sealed class LoraAdapter(int rank, double alpha, IReadOnlyList<LoraLayer> layers, Projector? projector) : IAdapter
{
    public int Rank { get; } = rank;

    public double Alpha { get; } = alpha;

    /// <summary>α / r.</summary>
    public double Scaling => Alpha / Rank;

    public IReadOnlyList<LoraLayer> Layers { get; } = layers;

    /// <inheritdoc/>
    public Projector? Projector { get; } = projector;

    /// <inheritdoc/>
    public bool CanMerge => true;

    /// <summary>A fresh adapter: the model answers as without it.</summary>
    public static LoraAdapter Initialize(DecoderModel language, Projector projector, LoraOptions options, Device device, long seed)
    {
        using var generator = new Generator((ulong)seed, CPU);
        var layers = language.Layers.Select(layer => new LoraLayer(
            LoraLinear.Initialize(layer.Qkv, options.Rank, device, generator),
            LoraLinear.Initialize(layer.Output, options.Rank, device, generator),
            LoraLinear.Initialize(layer.GateUp, options.Rank, device, generator),
            LoraLinear.Initialize(layer.Down, options.Rank, device, generator))).ToList();
        return new LoraAdapter(options.Rank, options.Alpha, layers, options.TrainProjector ? projector.TrainableCopy() : null);
    }

    /// <inheritdoc/>
    public IDecoderUpdates Updates(Dropout? dropout = null) => new LoraUpdates(this, dropout);

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
        foreach (var linear in Layers.SelectMany(layer => layer.All))
        {
            linear.Dispose();
        }

        Projector?.Dispose();
    }
}
