namespace CoIN.Benchmark.Routing;

/// <summary>How much of their weight positions gave to each expert of one linear map, summed up.</summary>
/// <param name="Name">The map's, e.g. <c>self_attn.q_proj</c>.</param>
/// <param name="Positions">Positions that count, prompts and answers alike.</param>
/// <param name="Weights">The sum of the routing weights of each expert; together they are <paramref name="Positions"/>.</param>
public sealed record RoutingShare(string Name, double Positions, IReadOnlyList<double> Weights)
{
    /// <summary>Mean weight of each expert.</summary>
    public IReadOnlyList<double> Means => [.. Weights.Select(weight => Positions > 0 ? weight / Positions : 0)];
}

/// <summary>The linear maps of one decoder layer.</summary>
public sealed record RoutingLayer(IReadOnlyList<RoutingShare> Linears)
{
    /// <summary>Mean weight of each expert, averaged over the linear maps.</summary>
    public IReadOnlyList<double> Means => ExpertRouting.Average(Linears.Select(linear => linear.Means));
}

/// <summary>
/// Whom an adapter with experts (MoELoRA) has sent positions to while it answered. Sums, so that those of several parts of a test set add
/// up to those of the whole, every position with the same weight.
/// </summary>
public sealed record ExpertRouting(IReadOnlyList<RoutingLayer> Layers)
{
    /// <summary>Mean weight of each expert, averaged over the layers.</summary>
    public IReadOnlyList<double> Means => Average(Layers.Select(layer => layer.Means));

    /// <summary>Both together.</summary>
    /// <exception cref="CoinException">They are of different adapters.</exception>
    public ExpertRouting Add(ExpertRouting other)
    {
        if (!Shape().SequenceEqual(other.Shape()))
        {
            throw new CoinException("Routing weights of adapters of different forms cannot be added. Evaluate the task again.");
        }

        return new ExpertRouting([
            .. Layers.Zip(other.Layers, (a, b) =>
                new RoutingLayer([
                    .. a.Linears.Zip(b.Linears, (x, y) =>
                        new RoutingShare(x.Name, x.Positions + y.Positions, [.. x.Weights.Zip(y.Weights, (one, two) => one + two)])
                    ),
                ])
            ),
        ]);
    }

    internal static IReadOnlyList<double> Average(IEnumerable<IReadOnlyList<double>> rows)
    {
        // A layer may have no experts.
        var all = rows.Where(row => row.Count > 0).ToList();
        return all.Count == 0 ? [] : [.. Enumerable.Range(0, all[0].Count).Select(i => all.Average(row => row[i]))];
    }

    private IEnumerable<(int, string, int)> Shape() =>
        Layers.SelectMany((layer, i) => layer.Linears.Select(linear => (i, linear.Name, linear.Weights.Count)));
}
