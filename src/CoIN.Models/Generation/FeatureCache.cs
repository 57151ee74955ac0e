using CoIN.Models.Computing;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Generation;

/// <summary>
/// Features of pictures by the frozen vision tower, kept in main memory. A picture's features are the same bits whichever pictures are
/// asked for with it and whether or not they were kept: several are computed together only where the model promises that. For use from
/// several threads.
/// </summary>
internal sealed class FeatureCache(IPictureModel model) : IDisposable
{
    private readonly Dictionary<string, Tensor> kept = new(StringComparer.Ordinal);
    private readonly Lock gate = new();
    private long bytes;

    /// <summary>The model's.</summary>
    public Device Device { get; } = model.Language.Device;

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
    /// <param name="pixels">Makes the pixels [1, 3, height, width] of the picture at an index, on the tower's device.</param>
    /// <param name="limit">
    /// Bytes up to which features are kept. What is there stays: test sets are gone through in cycles, in which any other rule would find
    /// less.
    /// </param>
    /// <returns>In main memory.</returns>
    public PictureFeatures Of(IReadOnlyList<string> keys, Func<int, Tensor> pixels, long limit)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var all = new Tensor?[keys.Count];
        var missing = new List<int>();
        for (var i = 0; i < keys.Count; i++)
        {
            all[i] = Known(keys[i]);
            if (all[i] is null)
            {
                missing.Add(i);
            }
        }

        foreach (var together in missing.Chunk(model.PicturesTogether))
        {
            var features = model.Features(cat([.. together.Select(pixels)], 0)).cpu();
            for (var i = 0; i < together.Length; i++)
            {
                all[together[i]] = Keep(keys[together[i]], features.narrow(0, i, 1), limit);
            }
        }

        return PictureFeatures.Of([.. all.Select(features => features!)]).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        foreach (var features in kept.Values)
        {
            features.Dispose();
        }

        kept.Clear();
    }

    private Tensor? Known(string key)
    {
        lock (gate)
        {
            return kept.GetValueOrDefault(key);
        }
    }

    private Tensor Keep(string key, Tensor features, long limit)
    {
        var size = features.numel() * features.element_size();
        lock (gate)
        {
            if (bytes + size <= limit && !kept.ContainsKey(key))
            {
                // A copy: the tower's result is a view that keeps the other pictures' and the class token's memory too, and belongs to the
                // caller's scope.
                kept[key] = features.clone().DetachFromDisposeScope();
                bytes += size;
            }
        }

        return features;
    }
}
