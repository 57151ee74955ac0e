namespace CoIN.Benchmark.Data;

/// <summary>Random parts of a data set, for the paper's data volumes and for short runs.</summary>
public static class Subset
{
    /// <summary>
    /// Draws items without replacement and keeps them in file order. The same seed gives nested subsets: a smaller one is contained in
    /// every larger one, so that volumes differ by their size alone.
    /// </summary>
    /// <param name="items">All items.</param>
    /// <param name="max">At most so many; 0 for all.</param>
    /// <param name="seed">Decides which.</param>
    public static IReadOnlyList<T> Draw<T>(IReadOnlyList<T> items, int max, long seed)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(max);
        if (max == 0 || max >= items.Count)
        {
            return items;
        }

        // The beginning of a shuffle from the front does not depend on where one stops: hence the nesting.
        var random = new SeededRandom(seed);
        var order = Enumerable.Range(0, items.Count).ToArray();
        for (var place = 0; place < max; place++)
        {
            var other = place + random.Next(items.Count - place);
            (order[place], order[other]) = (order[other], order[place]);
        }

        return [.. order.Take(max).Order().Select(index => items[index])];
    }

    /// <summary>Draws the part of a training set that a data volume means, nested as <see cref="Draw{T}"/> says.</summary>
    /// <param name="items">All items.</param>
    /// <param name="volume">
    /// The part: greater than 0, at most 1. The number of items is rounded to the nearest whole, and at least 1.
    /// </param>
    /// <param name="max">At most so many; 0 for no limit but the volume.</param>
    /// <param name="seed">Decides which.</param>
    public static IReadOnlyList<T> DrawVolume<T>(IReadOnlyList<T> items, double volume, int max, long seed)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(volume);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(volume, 1);
        var part = Math.Max(1, (int)Math.Round(items.Count * volume, MidpointRounding.AwayFromZero));
        return Draw(items, max == 0 ? part : Math.Min(part, max), seed);
    }
}
