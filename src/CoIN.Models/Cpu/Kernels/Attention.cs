using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Cpu.Kernels;

/// <summary>New positions of a sequence.</summary>
/// <param name="From">Row of the first.</param>
/// <param name="Count">How many, in rows that follow one another.</param>
/// <param name="Span">Where their keys and values are.</param>
/// <param name="At">The first one's place there.</param>
internal readonly record struct NewPositions(int From, int Count, KeyValueSpan Span, int At);

/// <summary>How queries, keys and values lie side by side in a row.</summary>
/// <param name="Heads">Query heads.</param>
/// <param name="KeyValueHeads">Key/value heads, each shared by as many query heads.</param>
/// <param name="Size">Numbers of a head.</param>
internal readonly record struct HeadLayout(int Heads, int KeyValueHeads, int Size)
{
    /// <summary>Numbers of a row: all queries, all keys, all values.</summary>
    public int RowSize => (Heads + (2 * KeyValueHeads)) * Size;

    /// <summary>Numbers of an attended row.</summary>
    public int OutputSize => Heads * Size;
}

/// <summary>
/// Attention of new positions to all that stand before them (or, in a picture, to all of it). Keys and values are written into their spans
/// first, so that positions of one pass may follow one another, and several sequences the same beginning.
/// </summary>
internal static unsafe class Attention
{
    /// <summary>Queries of a piece of work.</summary>
    private const int PieceQueries = 48;

    /// <summary>Positions of a piece when keys and values are written.</summary>
    private const int PiecePositions = 64;

    /// <summary>Rotates the queries in their place and the keys, and writes keys and values into the positions' spans.</summary>
    /// <param name="qkv">[N, <see cref="HeadLayout.RowSize"/>].</param>
    /// <param name="rotation">How both are turned; null for not at all.</param>
    /// <param name="queryScale">[positions]: what queries are multiplied with, by position; null for nothing.</param>
    public static void Store(
        Tensor qkv,
        HeadLayout layout,
        IReadOnlyList<NewPositions> positions,
        int layer,
        RotationTable? rotation,
        Tensor? queryScale = null
    )
    {
        var pieces = new List<NewPositions>();
        foreach (var one in positions)
        {
            for (var from = 0; from < one.Count; from += PiecePositions)
            {
                pieces.Add(one with { From = one.From + from, At = one.At + from, Count = Math.Min(PiecePositions, one.Count - from) });
            }
        }

        var rows = TensorMemory.Address(qkv);
        var cos = rotation is null ? null : TensorMemory.Address(rotation.Value.Cos);
        var sin = rotation is null ? null : TensorMemory.Address(rotation.Value.Sin);
        var scale = queryScale is null ? null : TensorMemory.Address(queryScale);
        ComputeTeam.Run(pieces.Count, i =>
        {
            var piece = pieces[i];
            for (var k = 0; k < piece.Count; k++)
            {
                var turned = rotation?.OfRows == true ? piece.From + k : piece.Span.Rotations + piece.Span.Start + piece.At + k;
                Store(rows + ((long)(piece.From + k) * layout.RowSize), layout, piece.Span, piece.At + k, layer, turned, cos, sin, scale);
            }
        });
        GC.KeepAlive(qkv);
        GC.KeepAlive(rotation?.Cos);
        GC.KeepAlive(rotation?.Sin);
        GC.KeepAlive(queryScale);
    }

    /// <summary>Softmax of the queries' products with the keys, scaled by 1 / sqrt(size), times the values.</summary>
    /// <param name="qkv">
    /// [N, <see cref="HeadLayout.RowSize"/>], after <see cref="Store(Tensor, HeadLayout, IReadOnlyList{NewPositions}, int,
    /// RotationTable?, Tensor?)"/>.
    /// </param>
    /// <param name="queries">What is wanted: the result has their rows in this order.</param>
    /// <param name="causal">Whether a position sees only what stands before it and itself.</param>
    /// <param name="logSums">
    /// [sum of counts, heads], which receives the logarithms of the sums of e to the power of the scaled products, if given: from them the
    /// weights can be computed again.
    /// </param>
    /// <returns>[sum of counts, <see cref="HeadLayout.OutputSize"/>].</returns>
    public static Tensor Attend(
        Tensor qkv,
        HeadLayout layout,
        IReadOnlyList<NewPositions> queries,
        int layer,
        bool causal,
        Tensor? logSums = null
    )
    {
        var output = empty([queries.Sum(one => one.Count), layout.OutputSize], ScalarType.Float32);
        var pieces = new List<Piece>();
        var sums = logSums is null ? null : TensorMemory.Address(logSums);
        var row = 0;
        foreach (var one in queries)
        {
            var spans = Chain(one.Span);
            for (var from = 0; from < one.Count; from += PieceQueries)
            {
                pieces.Add(
                    new Piece(
                        TensorMemory.Address(qkv) + ((long)(one.From + from) * layout.RowSize),
                        TensorMemory.Address(output) + ((long)(row + from) * layout.OutputSize),
                        sums is null ? null : sums + ((long)(row + from) * layout.Heads),
                        Math.Min(PieceQueries, one.Count - from),
                        spans,
                        causal ? one.At + from : null
                    )
                );
            }

            row += one.Count;
        }

        ComputeTeam.Run(pieces.Count * layout.Heads, i => new Heads(pieces[i / layout.Heads], layout, layer, i % layout.Heads).Run());
        GC.KeepAlive(qkv);
        GC.KeepAlive(logSums);
        return output;
    }

    private static void Store(
        float* row,
        HeadLayout layout,
        KeyValueSpan span,
        int at,
        int layer,
        int turned,
        float* cos,
        float* sin,
        float* scale
    )
    {
        var size = layout.Size;
        if (cos is not null)
        {
            var angle = (long)turned * size;
            for (var head = 0; head < layout.Heads + layout.KeyValueHeads; head++)
            {
                Rotate(row + (head * size), size / 2, cos + angle, sin + angle);
            }
        }

        if (scale is not null && scale[span.Start + at] is var factor and not 1)
        {
            for (var i = 0; i < layout.Heads * size; i++)
            {
                row[i] *= factor;
            }
        }

        for (var head = 0; head < layout.KeyValueHeads; head++)
        {
            float* k = row + ((layout.Heads + head) * size),
                v = k + (layout.KeyValueHeads * size);
            var keys = span.Keys(layer, head) + ((long)(at / CpuKernels.Width) * CpuKernels.Width * size) + (at % CpuKernels.Width);
            for (var i = 0; i < size; i++)
            {
                keys[i * CpuKernels.Width] = k[i];
            }

            var values = span.Values(layer, head) + ((long)at * span.ValueStride);
            new ReadOnlySpan<float>(v, size).CopyTo(new Span<float>(values, size));
            new Span<float>(values + size, span.ValueStride - size).Clear();
        }
    }

    /// <summary>The two halves of a head form pairs, each turned by its position's angle.</summary>
    private static void Rotate(float* x, int half, float* cos, float* sin)
    {
        var i = 0;
        for (; i + CpuKernels.Width <= half; i += CpuKernels.Width)
        {
            Vector512<float> a = Vector512.Load(x + i),
                b = Vector512.Load(x + half + i);
            Avx512F.FusedMultiplyAddNegated(b, Vector512.Load(sin + i), a * Vector512.Load(cos + i)).Store(x + i);
            Avx512F.FusedMultiplyAdd(a, Vector512.Load(sin + half + i), b * Vector512.Load(cos + half + i)).Store(x + half + i);
        }

        for (; i < half; i++)
        {
            float a = x[i],
                b = x[half + i];
            x[i] = MathF.FusedMultiplyAdd(-b, sin[i], a * cos[i]);
            x[half + i] = MathF.FusedMultiplyAdd(a, sin[half + i], b * cos[half + i]);
        }
    }

    /// <summary>The rotation's gradient, which is the rotation by the opposite angle.</summary>
    public static void RotateBack(float* x, int half, float* cos, float* sin)
    {
        for (var i = 0; i < half; i += CpuKernels.Width)
        {
            var mask = RowKernels.Mask(half - i);
            Vector512<float> a = Avx512F.MaskLoad(x + i, mask, default),
                b = Avx512F.MaskLoad(x + half + i, mask, default);
            Avx512F.MaskStore(
                x + i,
                mask,
                Avx512F.FusedMultiplyAdd(b, Avx512F.MaskLoad(sin + half + i, mask, default), a * Avx512F.MaskLoad(cos + i, mask, default))
            );
            Avx512F.MaskStore(
                x + half + i,
                mask,
                Avx512F.FusedMultiplyAddNegated(
                    a,
                    Avx512F.MaskLoad(sin + i, mask, default),
                    b * Avx512F.MaskLoad(cos + half + i, mask, default)
                )
            );
        }
    }

    /// <summary>A span and those before it, the sequence's first one first.</summary>
    private static KeyValueSpan[] Chain(KeyValueSpan last)
    {
        var spans = new Stack<KeyValueSpan>();
        for (var span = last; span is not null; span = span.Before)
        {
            spans.Push(span);
        }

        return [.. spans];
    }

    /// <summary>Queries that follow one another.</summary>
    /// <param name="From">The first one's row of queries, keys and values.</param>
    /// <param name="To">Its row of the result.</param>
    /// <param name="LogSums">Its logarithms of sums, or null.</param>
    /// <param name="Spans">The sequence's spans, the queries' own the last.</param>
    /// <param name="At">The first query's place in the last span, behind which it does not see; null to see all.</param>
    private sealed class Piece(float* from, float* to, float* logSums, int count, KeyValueSpan[] spans, int? at)
    {
        public float* From => from;

        public float* To => to;

        public float* LogSums => logSums;

        public int Count => count;

        public KeyValueSpan[] Spans => spans;

        /// <summary>Positions of a span that a query sees.</summary>
        public int Seen(int span, int query) => at is null || span < spans.Length - 1 ? spans[span].Length : at.Value + query + 1;
    }

    /// <summary>One head of a piece.</summary>
    private readonly ref struct Heads(Piece piece, HeadLayout layout, int layer, int head)
    {
        private readonly int keyHead = head / (layout.Heads / layout.KeyValueHeads);

        public void Run()
        {
            var columns = 0;
            for (var i = 0; i < piece.Spans.Length; i++)
            {
                columns += Groups(piece.Seen(i, piece.Count - 1)) * CpuKernels.Width;
            }

            // The weights of a tile: a row for each query, in which every span begins at a whole vector.
            var scratch = ArrayPool<float>.Shared.Rent(BroadcastProduct.Rows * columns);
            fixed (float* weights = scratch)
            {
                for (var query = 0; query < piece.Count; query += BroadcastProduct.Rows)
                {
                    Tile(query, Math.Min(BroadcastProduct.Rows, piece.Count - query), weights, columns);
                }
            }

            ArrayPool<float>.Shared.Return(scratch);
        }

        private static int Groups(int positions) => (positions + CpuKernels.Width - 1) / CpuKernels.Width;

        private void Tile(int first, int count, float* weights, int columns)
        {
            var queries = piece.From + ((long)first * layout.RowSize) + (head * layout.Size);
            var last = first + count - 1;
            var column = 0;
            for (var i = 0; i < piece.Spans.Length; i++)
            {
                var groups = Groups(piece.Seen(i, last));
                var keys = piece.Spans[i].Keys(layer, keyHead);
                for (var group = 0; group < groups; group += BroadcastProduct.Vectors)
                {
                    var places = group * CpuKernels.Width;
                    BroadcastProduct.Run(
                        queries,
                        layout.RowSize,
                        1,
                        count,
                        keys + ((long)places * layout.Size),
                        CpuKernels.Width,
                        (nint)layout.Size * CpuKernels.Width,
                        Math.Min(BroadcastProduct.Vectors, groups - group),
                        layout.Size,
                        weights + column + places,
                        columns,
                        continues: false
                    );
                }

                for (var query = 0; query < count; query++)
                {
                    Hide(weights + (query * columns) + column, piece.Seen(i, first + query), groups * CpuKernels.Width);
                }

                column += groups * CpuKernels.Width;
            }

            var totals = stackalloc float[BroadcastProduct.Rows];
            for (var query = 0; query < count; query++)
            {
                (totals[query], var highest) = Softmax(weights + (query * columns), column);
                if (piece.LogSums is not null)
                {
                    piece.LogSums[((long)(first + query) * layout.Heads) + head] = highest + MathF.Log(totals[query]);
                }
            }

            var to = piece.To + ((long)first * layout.OutputSize) + (head * layout.Size);
            for (var at = 0; at < layout.Size; at += BroadcastProduct.Vectors * CpuKernels.Width)
            {
                Sum(weights, columns, count, last, at, to + at, totals);
            }
        }

        /// <summary>Hides the places behind what a query sees.</summary>
        private static void Hide(float* weights, int seen, int places) =>
            new Span<float>(weights + seen, places - seen).Fill(float.NegativeInfinity);

        /// <summary>Products with keys become e to the power of their scaled difference from the largest.</summary>
        /// <returns>Their sum, and the largest scaled.</returns>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private (float Sum, float Highest) Softmax(float* weights, int columns)
        {
            var highest = Vector512.Create(float.NegativeInfinity);
            for (var i = 0; i < columns; i += CpuKernels.Width)
            {
                highest = Vector512.Max(highest, Vector512.Load(weights + i));
            }

            var top = highest[0];
            for (var lane = 1; lane < CpuKernels.Width; lane++)
            {
                top = MathF.Max(top, highest[lane]);
            }

            Vector512<float> most = Vector512.Create(top),
                scale = Vector512.Create(1 / MathF.Sqrt(layout.Size)),
                sum = default;
            for (var i = 0; i < columns; i += CpuKernels.Width)
            {
                var weight = Exponential.Of((Vector512.Load(weights + i) - most) * scale);
                weight.Store(weights + i);
                sum += weight;
            }

            return (CpuKernels.Sum(sum), top * scale[0]);
        }

        /// <summary>The weighted sums of up to four vectors of the values' numbers, from number <paramref name="at"/> on.</summary>
        private void Sum(float* weights, int columns, int count, int last, int at, float* to, float* totals)
        {
            const int Stride = BroadcastProduct.Vectors * CpuKernels.Width;
            var vectors = Math.Min(BroadcastProduct.Vectors, (layout.Size - at + CpuKernels.Width - 1) / CpuKernels.Width);
            var sums = stackalloc float[BroadcastProduct.Rows * Stride];
            for (var i = 0; i < piece.Spans.Length; i++)
            {
                var span = piece.Spans[i];
                var seen = piece.Seen(i, last);
                BroadcastProduct.Run(
                    weights,
                    columns,
                    1,
                    count,
                    span.Values(layer, keyHead) + at,
                    span.ValueStride,
                    CpuKernels.Width,
                    vectors,
                    seen,
                    sums,
                    Stride,
                    continues: i > 0
                );
                weights += Groups(seen) * CpuKernels.Width;
            }

            for (var query = 0; query < count; query++)
            {
                for (var vector = 0; vector < vectors; vector++)
                {
                    var mask = CpuKernels.First(layout.Size - at - (vector * CpuKernels.Width));
                    Avx512F.MaskStore(
                        to + ((long)query * layout.OutputSize) + (vector * CpuKernels.Width),
                        mask,
                        Vector512.Load(sums + (query * Stride) + (vector * CpuKernels.Width)) / Vector512.Create(totals[query])
                    );
                }
            }
        }
    }
}
