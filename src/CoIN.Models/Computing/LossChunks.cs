namespace CoIN.Models.Computing;

/// <summary>
/// Labelled positions are gone through some at a time, so that logits of a whole batch never exist: 32,000 of them for each token of an
/// answer would soon be the largest tensor of all.
/// </summary>
internal static class LossChunks
{
    /// <summary>Logits that exist together: 32 MiB in float32. The chunk's probabilities and its gradient are as large again.</summary>
    private const long Logits = 1 << 23;

    /// <summary>Positions in a chunk.</summary>
    public static int Rows(int vocabulary) => (int)Math.Max(Logits / vocabulary, 1);

    /// <summary>The chunks of some positions.</summary>
    public static IEnumerable<(long First, long Count)> Of(long positions, int rows)
    {
        for (long first = 0; first < positions; first += rows)
        {
            yield return (first, Math.Min(rows, positions - first));
        }
    }
}
