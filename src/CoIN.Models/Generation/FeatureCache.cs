using CoIN.Models.Modules;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Generation;

/// <summary>
/// Features of pictures by the frozen vision tower, kept in main memory. They are computed one picture at a time, so that a picture's features are the same bits
/// whichever pictures are asked for with it and whether or not they were kept. For use from several threads.
/// </summary>
internal sealed class FeatureCache(ClipVisionTower tower, Device device) : IDisposable
{
    private readonly Dictionary<string, Tensor> kept = new(StringComparer.Ordinal);
    private readonly Lock gate = new();
    private long bytes;

    /// <summary>The tower's.</summary>
    public Device Device { get; } = device;

    /// <summary>Whether a picture's features are kept.</summary>
    public bool Has(string key)
    {
        lock (gate)
        {
            return kept.ContainsKey(key);
        }
    }

    /// <summary>Features of some pictures.</summary>
    /// <param name="keys">What tells pictures apart.</param>
    /// <param name="pixels">Makes the pixels [1, 3, size, size] of the picture at an index, on the tower's device.</param>
    /// <param name="limit">Bytes up to which features are kept. What is there stays: test sets are gone through in cycles, in which any other rule would find less.</param>
    /// <returns>[pictures, image tokens, vision size], in main memory.</returns>
    public Tensor Of(IReadOnlyList<string> keys, Func<int, Tensor> pixels, long limit)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        return cat([.. keys.Select((key, i) => One(key, () => pixels(i), limit))], 0).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        foreach (var features in kept.Values)
        {
            features.Dispose();
        }

        kept.Clear();
    }

    private Tensor One(string key, Func<Tensor> pixels, long limit)
    {
        lock (gate)
        {
            if (kept.TryGetValue(key, out var known))
            {
                return known;
            }
        }

        var features = tower.Forward(pixels()).cpu().contiguous();
        var size = features.numel() * features.element_size();
        lock (gate)
        {
            if (bytes + size <= limit && !kept.ContainsKey(key))
            {
                // A copy: the tower's result is a view that keeps its class token's memory too, and belongs to the caller's scope.
                kept[key] = features.clone().DetachFromDisposeScope();
                bytes += size;
            }
        }

        return features;
    }
}
