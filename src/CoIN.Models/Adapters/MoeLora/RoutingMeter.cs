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
/// <param name="parts">Names of a layer's linear maps.</param>
internal sealed class RoutingMeter(IReadOnlyList<string> parts, int layers, int experts) : IDisposable
{
    /// <summary>[parts, E] of each layer, and [parts] positions.</summary>
    private readonly double[] sums = new double[layers * parts.Count * experts];
    private readonly double[] positions = new double[layers * parts.Count];

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
    public void Add(int layer, int part, Tensor gates)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var rows = gates.size(0);
        var counted = (layer == layers - 1 && part > 0 ? wanted : all) ?? [];
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
            positions[(layer * parts.Count) + part + i] += number;
        }
    }

    /// <summary>What has been summed up since the last time.</summary>
    public ExpertRouting Take()
    {
        foreach (var ((layer, part), tensor) in pending)
        {
            using var here = tensor.cpu();
            var at = ((layer * parts.Count) + part) * experts;
            foreach (var value in here.data<double>().ToArray())
            {
                sums[at++] += value;
            }

            tensor.Dispose();
        }

        pending.Clear();
        var taken = new ExpertRouting([.. Enumerable.Range(0, layers).Select(layer => new RoutingLayer([.. parts.Select((name, part) =>
        {
            var at = (layer * parts.Count) + part;
            return new RoutingShare(name, positions[at], [.. sums.AsSpan(at * experts, experts).ToArray()]);
        })]))]);
        Array.Clear(sums);
        Array.Clear(positions);
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
