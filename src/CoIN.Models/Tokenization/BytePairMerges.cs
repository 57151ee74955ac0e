using System.Text;

namespace CoIN.Models.Tokenization;

/// <summary>
/// SentencePiece's byte-pair encoding: of all neighbours whose joint text is a piece, the pair with the highest score is merged first; of
/// equal scores the leftmost.
/// </summary>
internal static class BytePairMerges
{
    /// <summary>Merges a text, starting from its Unicode characters.</summary>
    /// <param name="score">Score of a piece, or null where there is no such piece.</param>
    public static IEnumerable<string> Apply(string text, Func<string, float?> score)
    {
        var symbols = new List<Symbol>();
        for (var at = 0; at < text.Length; )
        {
            Rune.DecodeFromUtf16(text.AsSpan(at), out _, out var length);
            symbols.Add(
                new Symbol
                {
                    Start = at,
                    Length = length,
                    Previous = symbols.Count - 1,
                    Next = symbols.Count + 1,
                }
            );
            at += length;
        }

        if (symbols.Count == 0)
        {
            yield break;
        }

        symbols[^1].Next = -1;
        var queue = new PriorityQueue<(int Left, int Right, int Length), (float NegativeScore, int Left)>();
        void Consider(int left, int right)
        {
            if (left >= 0 && right >= 0)
            {
                var length = symbols[left].Length + symbols[right].Length;
                if (score(text.Substring(symbols[left].Start, length)) is { } value)
                {
                    queue.Enqueue((left, right, length), (-value, left));
                }
            }
        }

        for (var i = 1; i < symbols.Count; i++)
        {
            Consider(i - 1, i);
        }

        while (queue.TryDequeue(out var pair, out _))
        {
            Symbol left = symbols[pair.Left],
                right = symbols[pair.Right];

            // Either may have been merged otherwise since the pair was noted.
            if (left.Length == 0 || right.Length == 0 || left.Length + right.Length != pair.Length || left.Next != pair.Right)
            {
                continue;
            }

            left.Length = pair.Length;
            right.Length = 0;
            left.Next = right.Next;
            if (right.Next >= 0)
            {
                symbols[right.Next].Previous = pair.Left;
            }

            Consider(left.Previous, pair.Left);
            Consider(pair.Left, left.Next);
        }

        for (var i = 0; i >= 0; i = symbols[i].Next)
        {
            yield return text.Substring(symbols[i].Start, symbols[i].Length);
        }
    }

    private sealed class Symbol
    {
        public int Start { get; init; }

        public int Length { get; set; }

        public int Previous { get; set; }

        public int Next { get; set; }
    }
}
