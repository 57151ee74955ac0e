using CoIN.Benchmark.Experiments;
using CoIN.Models.Modules;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Adapters;

/// <summary>The updates of one decoder layer.</summary>
internal sealed record LoraLayer(LoraLinear Qkv, LoraLinear Output, LoraLinear GateUp, LoraLinear Down)
{
    public IEnumerable<LoraLinear> All => [Qkv, Output, GateUp, Down];
}

/// <summary>
/// What a run trains: low-rank updates of every linear layer of the language model, and (as CoIN does) the projector. A value beside the base model,
/// passed to the forward pass; the base never changes.
/// </summary>
internal sealed class LoraAdapter(int rank, double alpha, IReadOnlyList<LoraLayer> layers, Projector? projector) : IDisposable
{
    public int Rank { get; } = rank;

    public double Alpha { get; } = alpha;

    /// <summary>α / r.</summary>
    public double Scaling => Alpha / Rank;

    public IReadOnlyList<LoraLayer> Layers { get; } = layers;

    /// <summary>The trained projector in float32, or null where the base's own is used.</summary>
    public Projector? Projector { get; } = projector;

    /// <summary>A fresh adapter: the model answers as without it.</summary>
    public static LoraAdapter Initialize(LlamaModel language, Projector projector, LoraOptions options, Device device, long seed)
    {
        using var generator = new Generator((ulong)seed, CPU);
        var layers = language.Layers.Select(layer => new LoraLayer(
            LoraLinear.Initialize(layer.Qkv, options.Rank, device, generator),
            LoraLinear.Initialize(layer.Output, options.Rank, device, generator),
            LoraLinear.Initialize(layer.GateUp, options.Rank, device, generator),
            LoraLinear.Initialize(layer.Down, options.Rank, device, generator))).ToList();
        return new LoraAdapter(options.Rank, options.Alpha, layers, options.TrainProjector ? projector.TrainableCopy() : null);
    }

    /// <summary>The low-rank matrices as they are held.</summary>
    public IEnumerable<Tensor> LowRankParameters() => Layers.SelectMany(layer => layer.All).SelectMany(linear => linear.Parameters());

    /// <summary>Low-rank matrices and projector.</summary>
    public IEnumerable<Tensor> Parameters() => Projector is null ? LowRankParameters() : LowRankParameters().Concat(Projector.Parameters);

    public void Dispose()
    {
        foreach (var linear in Layers.SelectMany(layer => layer.All))
        {
            linear.Dispose();
        }

        Projector?.Dispose();
    }
}
