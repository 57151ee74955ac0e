namespace CoIN.Benchmark.Scoring.Captions;

/// <summary>How often each sequence of one to four words stands in a caption.</summary>
/// <param name="Counts">By the sequence, its words joined by spaces; index n−1 has those of n words.</param>
internal sealed record CaptionGrams(IReadOnlyList<IReadOnlyDictionary<string, int>> Counts)
{
    /// <summary>The longest sequence, in words.</summary>
    public const int Longest = 4;

    /// <summary>All sequences, whatever their length; none twice.</summary>
    public IEnumerable<string> Distinct => Counts.SelectMany(counts => counts.Keys);

    /// <summary>
    /// What the length penalty compares: the number of word pairs, as in the published evaluation, which is the number of words less one.
    /// </summary>
    public int Length { get; } = Counts[1].Values.Sum();

    /// <summary>Counts a caption's sequences.</summary>
    public static CaptionGrams Of(string caption)
    {
        var words = CaptionTokens.Of(caption);
        var all = new Dictionary<string, int>[Longest];
        for (var length = 1; length <= Longest; length++)
        {
            var counts = all[length - 1] = new Dictionary<string, int>(StringComparer.Ordinal);
            for (var start = 0; start + length <= words.Count; start++)
            {
                var gram = string.Join(' ', words.Skip(start).Take(length));
                counts[gram] = counts.GetValueOrDefault(gram) + 1;
            }
        }

        return new CaptionGrams(all);
    }
}
