using CoIN.Benchmark.Routing;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Adapters.MoeLora;

/// <summary>
/// Sums up routing weights while answers are computed. A position counts as often as there are prompts that it stands for: what several
/// prompts begin with is computed once and counts for each of them, and what is computed for nobody counts for nothing. So the sums are
/// those of the prompts by themselves, whatever they are computed with.
/// </summary>
/// <param name="layers">Names of each layer's linear maps that have experts.</param>
internal sealed class RoutingMeter(IReadOnlyList<IReadOnlyList<string>> layers, int experts) : IDisposable
{
    /// <summary>[parts, E] of each layer, and [parts] positions.</summary>
    private readonly double[][] sums = [.. layers.Select(parts => new double[parts.Count * experts])];
    private readonly double[][] positions = [.. layers.Select(parts => new double[parts.Count])];

    private IReadOnlyList<int>? all;
    private IReadOnlyList<int>? wanted;

    /// <summary>Sums that are still on their device: reading them would make the host wait.</summary>
    private readonly Dictionary<(int Layer, int Part), Tensor> pending = [];

    /// <summary>A pass begins.</summary>
    /// <param name="prompts">How many prompts each position stands for.</param>
    /// <param name="ofWanted">
    /// The same for those whose output is wanted: all that counts behind the last layer's attention, where nothing else need be computed.
    /// </param>
    public void Begin(IReadOnlyList<int> prompts, IReadOnlyList<int> ofWanted) => (all, wanted) = (prompts, ofWanted);

    /// <summary>Adds the weights of a linear map.</summary>
    /// <param name="part">Number of its first part.</param>
    /// <param name="gates">[N, parts, E], float32.</param>
    /// <param name="behind">Whether it stands behind its layer's attention.</param>
    public void Add(int layer, int part, Tensor gates, bool behind)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var rows = gates.size(0);
        var counted = (layer == layers.Count - 1 && behind ? wanted : all) ?? [];
        if (counted.Count != rows)
        {
            throw new InvalidOperationException($"Routing weights of {rows} positions, where {counted.Count} were told.");
        }

        var weights = tensor(counted.Select(count => (float)count).ToArray(), device: gates.device);
        var added = weights.unsqueeze(0).matmul(gates.detach().reshape(rows, -1)).view(gates.size(1), -1).to(ScalarType.Float64);
        pending[(layer, part)] = pending.Remove((layer, part), out var before) ? Join(before, added) : added.DetachFromDisposeScope();
        double number = counted.Sum(count => (long)count);
        for (var i = 0; i < gates.size(1); i++)
        {
            positions[layer][part + i] += number;
        }
    }

    /// <summary>What has been summed up since the last time.</summary>
    public ExpertRouting Take()
    {
        foreach (var ((layer, part), tensor) in pending)
        {
            using var here = tensor.cpu();
            var at = part * experts;
            foreach (var value in here.data<double>().ToArray())
            {
                sums[layer][at++] += value;
            }

            tensor.Dispose();
        }

        pending.Clear();
        var taken = new ExpertRouting([
            .. layers.Select(
                (parts, layer) =>
                    new RoutingLayer([
                        .. parts.Select(
                            (name, part) =>
                                new RoutingShare(name, positions[layer][part], [.. sums[layer].AsSpan(part * experts, experts).ToArray()])
                        ),
                    ])
            ),
        ]);
        foreach (var counted in sums.Concat(positions))
        {
            Array.Clear(counted);
        }

        return taken;
    }

    public void Dispose()
    {
        foreach (var tensor in pending.Values)
        {
            tensor.Dispose();
        }

        pending.Clear();
    }

    private static Tensor Join(Tensor sum, Tensor added) => sum.add_(added, Scalars.One);
}
