namespace CoIN.Models.Sequences;

/// <summary>
/// A prompt that leaves no room for an answer loses text in front of its end, where the question's instruction and the assistant's turn
/// stand.
/// </summary>
internal static class EvaluationCut
{
    /// <summary>Longest prompt, with one position left for the answer.</summary>
    /// <param name="maxLength">The configured limit.</param>
    /// <param name="maxPositions">The model's own.</param>
    public static int Limit(int maxLength, int maxPositions) => Math.Min(maxLength, maxPositions) - 1;

    /// <summary>The ids that go, from the first one after the last picture on.</summary>
    public static (int Start, int Count) Range(IReadOnlyList<int> ids, int imageTokens, int limit)
    {
        var surplus = PicturePlace.Positions(ids, imageTokens) - limit;
        var start = ids.ToList().FindLastIndex(PicturePlace.Is) + 1;
        return surplus <= 0 ? (start, 0) : (start, Math.Max(Math.Min(surplus, ids.Count - start - 1), 0));
    }

    /// <summary>The ids that stay.</summary>
    public static List<int> Apply(IReadOnlyList<int> ids, int imageTokens, int limit)
    {
        var (start, count) = Range(ids, imageTokens, limit);
        return [.. ids.Take(start), .. ids.Skip(start + count)];
    }
}
