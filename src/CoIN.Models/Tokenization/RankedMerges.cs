namespace CoIN.Models.Tokenization;

/// <summary>
/// Byte-pair merges by a list: of all neighbours that the list has, the pair that stands first in it is merged first; of equal ones the
/// leftmost.
/// </summary>
internal sealed class RankedMerges
{
    // Pairs, and a pair's rank with its place, as one number each: both are compared and looked up more often than anything else is done.
    private readonly Dictionary<long, (int Rank, int Merged)> merges = [];

    /// <summary>Notes what a pair becomes; a pair that is noted again has its later rank.</summary>
    /// <param name="rank">From 0.</param>
    public void Add(int left, int right, int rank, int merged) => merges[Pair(left, right)] = (rank, merged);

    /// <summary>What pairs become.</summary>
    public IEnumerable<int> Results => merges.Values.Select(merge => merge.Merged);

    /// <summary>Merges symbols as far as the list goes.</summary>
    public List<int> Apply(IReadOnlyList<int> symbols)
    {
        if (symbols.Count < 2)
        {
            return [.. symbols];
        }

        var nodes = new Node[symbols.Count];
        for (var i = 0; i < nodes.Length; i++)
        {
            nodes[i] = new Node
            {
                Id = symbols[i],
                Previous = i - 1,
                Next = i + 1 < nodes.Length ? i + 1 : -1,
                There = true,
            };
        }

        var queue = new PriorityQueue<(int At, int Merged), long>();
        void Consider(int left)
        {
            if (left >= 0 && nodes[left].Next >= 0 && merges.TryGetValue(Pair(nodes[left].Id, nodes[nodes[left].Next].Id), out var merge))
            {
                queue.Enqueue((left, merge.Merged), Pair(merge.Rank, left));
            }
        }

        for (var i = 0; i + 1 < nodes.Length; i++)
        {
            Consider(i);
        }

        while (queue.TryDequeue(out var one, out _))
        {
            ref var left = ref nodes[one.At];

            // Either may have been merged otherwise since the pair was noted.
            if (
                !left.There
                || left.Next < 0
                || !merges.TryGetValue(Pair(left.Id, nodes[left.Next].Id), out var merge)
                || merge.Merged != one.Merged
            )
            {
                continue;
            }

            ref var right = ref nodes[left.Next];
            right.There = false;
            (left.Id, left.Next) = (one.Merged, right.Next);
            if (left.Next >= 0)
            {
                nodes[left.Next].Previous = one.At;
            }

            Consider(left.Previous);
            Consider(one.At);
        }

        var merged = new List<int>();
        for (var i = 0; i >= 0; i = nodes[i].Next)
        {
            merged.Add(nodes[i].Id);
        }

        return merged;
    }

    private static long Pair(int first, int second) => ((long)first << 32) | (uint)second;

    private struct Node
    {
        public int Id;
        public int Previous;
        public int Next;
        public bool There;
    }
}
