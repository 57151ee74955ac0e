using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Kernels;

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
/// Attention of new positions to all that stand before them (or, in a picture, to all of it). Keys and values are written into their spans first, so that positions of one
/// pass may follow one another, and several sequences the same beginning.
/// </summary>
internal static unsafe class Attention
{
    /// <summary>Queries that are computed together, and vectors (of keys, of a value's numbers) at a time: 24 sums.</summary>
    private const int TileQueries = 6, TileVectors = 4;

    /// <summary>Queries of a piece of work.</summary>
    private const int PieceQueries = 48;

    /// <summary>Positions of a piece when keys and values are written.</summary>
    private const int PiecePositions = 64;

    /// <summary>Rotates the queries in their place and the keys, and writes keys and values into the positions' spans.</summary>
    /// <param name="qkv">[N, <see cref="HeadLayout.RowSize"/>].</param>
    /// <param name="rotation">Rotary cosines and sines [positions, size] by position; null for none.</param>
    public static void Store(Tensor qkv, HeadLayout layout, IReadOnlyList<NewPositions> positions, int layer, (Tensor Cos, Tensor Sin)? rotation)
    {
        var pieces = new List<NewPositions>();
        foreach (var one in positions)
        {
            for (var from = 0; from < one.Count; from += PiecePositions)
            {
                pieces.Add(one with { From = one.From + from, At = one.At + from, Count = Math.Min(PiecePositions, one.Count - from) });
            }
        }

        var rows = CpuKernels.Address(qkv);
        var cos = rotation is null ? null : CpuKernels.Address(rotation.Value.Cos);
        var sin = rotation is null ? null : CpuKernels.Address(rotation.Value.Sin);
        KernelTeam.Run(pieces.Count, i =>
        {
            var piece = pieces[i];
            for (var k = 0; k < piece.Count; k++)
            {
                Store(rows + ((long)(piece.From + k) * layout.RowSize), layout, piece.Span, piece.At + k, layer, cos, sin);
            }
        });
        GC.KeepAlive(qkv);
        GC.KeepAlive(rotation?.Cos);
        GC.KeepAlive(rotation?.Sin);
    }

    /// <summary>Softmax of the queries' products with the keys, scaled by 1 / sqrt(size), times the values.</summary>
    /// <param name="qkv">[N, <see cref="HeadLayout.RowSize"/>], after <see cref="Store(Tensor, HeadLayout, IReadOnlyList{NewPositions}, int, ValueTuple{Tensor, Tensor}?)"/>.</param>
    /// <param name="queries">What is wanted: the result has their rows in this order.</param>
    /// <param name="causal">Whether a position sees only what stands before it and itself.</param>
    /// <returns>[sum of counts, <see cref="HeadLayout.OutputSize"/>].</returns>
    public static Tensor Attend(Tensor qkv, HeadLayout layout, IReadOnlyList<NewPositions> queries, int layer, bool causal)
    {
        var output = empty([queries.Sum(one => one.Count), layout.OutputSize], ScalarType.Float32);
        var pieces = new List<Piece>();
        var row = 0;
        foreach (var one in queries)
        {
            var spans = Chain(one.Span);
            for (var from = 0; from < one.Count; from += PieceQueries)
            {
                pieces.Add(new Piece(
                    CpuKernels.Address(qkv) + ((long)(one.From + from) * layout.RowSize), CpuKernels.Address(output) + ((long)(row + from) * layout.OutputSize),
                    Math.Min(PieceQueries, one.Count - from), spans, causal ? one.At + from : null));
            }

            row += one.Count;
        }

        KernelTeam.Run(pieces.Count * layout.Heads, i => new Heads(pieces[i / layout.Heads], layout, layer, i % layout.Heads).Run());
        GC.KeepAlive(qkv);
        return output;
    }

    private static void Store(float* row, HeadLayout layout, KeyValueSpan span, int at, int layer, float* cos, float* sin)
    {
        var size = layout.Size;
        if (cos is not null)
        {
            var angle = (long)(span.Start + at) * size;
            for (var head = 0; head < layout.Heads + layout.KeyValueHeads; head++)
            {
                Rotate(row + (head * size), size / 2, cos + angle, sin + angle);
            }
        }

        for (var head = 0; head < layout.KeyValueHeads; head++)
        {
            float* k = row + ((layout.Heads + head) * size), v = k + (layout.KeyValueHeads * size);
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
            Vector512<float> a = Vector512.Load(x + i), b = Vector512.Load(x + half + i);
            Avx512F.FusedMultiplyAddNegated(b, Vector512.Load(sin + i), a * Vector512.Load(cos + i)).Store(x + i);
            Avx512F.FusedMultiplyAdd(a, Vector512.Load(sin + half + i), b * Vector512.Load(cos + half + i)).Store(x + half + i);
        }

        for (; i < half; i++)
        {
            float a = x[i], b = x[half + i];
            x[i] = MathF.FusedMultiplyAdd(-b, sin[i], a * cos[i]);
            x[half + i] = MathF.FusedMultiplyAdd(a, sin[half + i], b * cos[half + i]);
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
    /// <param name="Spans">The sequence's spans, the queries' own the last.</param>
    /// <param name="At">The first query's place in the last span, behind which it does not see; null to see all.</param>
    private sealed class Piece(float* from, float* to, int count, KeyValueSpan[] spans, int? at)
    {
        public float* From => from;

        public float* To => to;

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
            var scratch = ArrayPool<float>.Shared.Rent(TileQueries * columns);
            fixed (float* weights = scratch)
            {
                for (var query = 0; query < piece.Count; query += TileQueries)
                {
                    Tile(query, Math.Min(TileQueries, piece.Count - query), weights, columns);
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
                for (var group = 0; group < groups; group += TileVectors)
                {
                    var vectors = Math.Min(TileVectors, groups - group);
                    Scores(queries, count, keys + ((long)group * CpuKernels.Width * layout.Size), vectors, weights + column + (group * CpuKernels.Width), columns);
                }

                for (var query = 0; query < count; query++)
                {
                    Hide(weights + (query * columns) + column, piece.Seen(i, first + query), groups * CpuKernels.Width);
                }

                column += groups * CpuKernels.Width;
            }

            var totals = stackalloc float[TileQueries];
            for (var query = 0; query < count; query++)
            {
                totals[query] = Softmax(weights + (query * columns), column);
            }

            var to = piece.To + ((long)first * layout.OutputSize) + (head * layout.Size);
            for (var at = 0; at < layout.Size; at += TileVectors * CpuKernels.Width)
            {
                Sum(weights, columns, count, last, at, to + at, totals);
            }
        }

        /// <summary>Hides the places behind what a query sees.</summary>
        private static void Hide(float* weights, int seen, int places) => new Span<float>(weights + seen, places - seen).Fill(float.NegativeInfinity);

        /// <summary>The queries' products with up to four groups of keys.</summary>
        private void Scores(float* queries, int count, float* keys, int vectors, float* to, int columns)
        {
            if (vectors == TileVectors && count > 1)
            {
                SixByFour(queries, count, keys, to, columns);
                return;
            }

            for (var query = 0; query < count; query++)
            {
                if (vectors == TileVectors)
                {
                    OneByFour(queries + ((long)query * layout.RowSize), keys, to + (query * columns));
                    continue;
                }

                for (var i = 0; i < vectors; i++)
                {
                    One(queries + ((long)query * layout.RowSize), keys + ((long)i * CpuKernels.Width * layout.Size), to + (query * columns) + (i * CpuKernels.Width));
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void SixByFour(float* queries, int count, float* keys, float* to, int columns)
        {
            // Where there are fewer than six queries, the last is computed again and again, and written once.
            nint row = layout.RowSize, size = layout.Size, group = size * CpuKernels.Width;
            float* q0 = queries, q1 = queries + (Math.Min(1, count - 1) * row), q2 = queries + (Math.Min(2, count - 1) * row);
            float* q3 = queries + (Math.Min(3, count - 1) * row), q4 = queries + (Math.Min(4, count - 1) * row), q5 = queries + (Math.Min(5, count - 1) * row);
            Vector512<float> a0 = default, a1 = default, a2 = default, a3 = default, b0 = default, b1 = default, b2 = default, b3 = default;
            Vector512<float> c0 = default, c1 = default, c2 = default, c3 = default, d0 = default, d1 = default, d2 = default, d3 = default;
            Vector512<float> e0 = default, e1 = default, e2 = default, e3 = default, f0 = default, f1 = default, f2 = default, f3 = default;
            for (nint i = 0; i < size; i++)
            {
                Vector512<float> k0 = Vector512.Load(keys), k1 = Vector512.Load(keys + group), k2 = Vector512.Load(keys + (2 * group)), k3 = Vector512.Load(keys + (3 * group));
                keys += CpuKernels.Width;
                var q = Vector512.Create(q0[i]);
                a0 = Avx512F.FusedMultiplyAdd(q, k0, a0);
                a1 = Avx512F.FusedMultiplyAdd(q, k1, a1);
                a2 = Avx512F.FusedMultiplyAdd(q, k2, a2);
                a3 = Avx512F.FusedMultiplyAdd(q, k3, a3);
                q = Vector512.Create(q1[i]);
                b0 = Avx512F.FusedMultiplyAdd(q, k0, b0);
                b1 = Avx512F.FusedMultiplyAdd(q, k1, b1);
                b2 = Avx512F.FusedMultiplyAdd(q, k2, b2);
                b3 = Avx512F.FusedMultiplyAdd(q, k3, b3);
                q = Vector512.Create(q2[i]);
                c0 = Avx512F.FusedMultiplyAdd(q, k0, c0);
                c1 = Avx512F.FusedMultiplyAdd(q, k1, c1);
                c2 = Avx512F.FusedMultiplyAdd(q, k2, c2);
                c3 = Avx512F.FusedMultiplyAdd(q, k3, c3);
                q = Vector512.Create(q3[i]);
                d0 = Avx512F.FusedMultiplyAdd(q, k0, d0);
                d1 = Avx512F.FusedMultiplyAdd(q, k1, d1);
                d2 = Avx512F.FusedMultiplyAdd(q, k2, d2);
                d3 = Avx512F.FusedMultiplyAdd(q, k3, d3);
                q = Vector512.Create(q4[i]);
                e0 = Avx512F.FusedMultiplyAdd(q, k0, e0);
                e1 = Avx512F.FusedMultiplyAdd(q, k1, e1);
                e2 = Avx512F.FusedMultiplyAdd(q, k2, e2);
                e3 = Avx512F.FusedMultiplyAdd(q, k3, e3);
                q = Vector512.Create(q5[i]);
                f0 = Avx512F.FusedMultiplyAdd(q, k0, f0);
                f1 = Avx512F.FusedMultiplyAdd(q, k1, f1);
                f2 = Avx512F.FusedMultiplyAdd(q, k2, f2);
                f3 = Avx512F.FusedMultiplyAdd(q, k3, f3);
            }

            Put(to, a0, a1, a2, a3);
            if (count > 1)
            {
                Put(to + columns, b0, b1, b2, b3);
            }

            if (count > 2)
            {
                Put(to + (2 * columns), c0, c1, c2, c3);
            }

            if (count > 3)
            {
                Put(to + (3 * columns), d0, d1, d2, d3);
            }

            if (count > 4)
            {
                Put(to + (4 * columns), e0, e1, e2, e3);
            }

            if (count > 5)
            {
                Put(to + (5 * columns), f0, f1, f2, f3);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void OneByFour(float* query, float* keys, float* to)
        {
            nint size = layout.Size, group = size * CpuKernels.Width;
            Vector512<float> a0 = default, a1 = default, a2 = default, a3 = default;
            for (nint i = 0; i < size; i++)
            {
                var q = Vector512.Create(query[i]);
                a0 = Avx512F.FusedMultiplyAdd(q, Vector512.Load(keys), a0);
                a1 = Avx512F.FusedMultiplyAdd(q, Vector512.Load(keys + group), a1);
                a2 = Avx512F.FusedMultiplyAdd(q, Vector512.Load(keys + (2 * group)), a2);
                a3 = Avx512F.FusedMultiplyAdd(q, Vector512.Load(keys + (3 * group)), a3);
                keys += CpuKernels.Width;
            }

            Put(to, a0, a1, a2, a3);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void One(float* query, float* keys, float* to)
        {
            Vector512<float> sum = default;
            for (var i = 0; i < layout.Size; i++)
            {
                sum = Avx512F.FusedMultiplyAdd(Vector512.Create(query[i]), Vector512.Load(keys + (i * CpuKernels.Width)), sum);
            }

            sum.Store(to);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Put(float* to, Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> d)
        {
            a.Store(to);
            b.Store(to + CpuKernels.Width);
            c.Store(to + (2 * CpuKernels.Width));
            d.Store(to + (3 * CpuKernels.Width));
        }

        /// <summary>Products with keys become e to the power of their scaled difference from the largest.</summary>
        /// <returns>Their sum.</returns>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private float Softmax(float* weights, int columns)
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

            Vector512<float> most = Vector512.Create(top), scale = Vector512.Create(1 / MathF.Sqrt(layout.Size)), sum = default;
            for (var i = 0; i < columns; i += CpuKernels.Width)
            {
                var weight = Exponential.Of((Vector512.Load(weights + i) - most) * scale);
                weight.Store(weights + i);
                sum += weight;
            }

            return Vector512.Sum(sum);
        }

        /// <summary>The weighted sums of up to four vectors of the values' numbers, from number <paramref name="at"/> on.</summary>
        private void Sum(float* weights, int columns, int count, int last, int at, float* to, float* totals)
        {
            var vectors = Math.Min(TileVectors, (layout.Size - at + CpuKernels.Width - 1) / CpuKernels.Width);
            var sums = stackalloc Vector512<float>[TileQueries * TileVectors];
            new Span<Vector512<float>>(sums, TileQueries * TileVectors).Clear();
            for (var i = 0; i < piece.Spans.Length; i++)
            {
                var span = piece.Spans[i];
                var seen = piece.Seen(i, last);
                var values = span.Values(layer, keyHead) + at;
                if (vectors == TileVectors && count > 1)
                {
                    SixByFour(weights, columns, count, values, span.ValueStride, seen, sums);
                }
                else if (vectors == TileVectors / 2 && count > 1)
                {
                    SixByTwo(weights, columns, count, values, span.ValueStride, seen, sums);
                }
                else
                {
                    for (var query = 0; query < count; query++)
                    {
                        if (vectors == TileVectors)
                        {
                            OneByFour(weights + (query * columns), values, span.ValueStride, seen, sums + (query * TileVectors));
                            continue;
                        }

                        for (var vector = 0; vector < vectors; vector++)
                        {
                            One(weights + (query * columns), values + (vector * CpuKernels.Width), span.ValueStride, seen, sums + (query * TileVectors) + vector);
                        }
                    }
                }

                weights += Groups(seen) * CpuKernels.Width;
            }

            for (var query = 0; query < count; query++)
            {
                for (var vector = 0; vector < vectors; vector++)
                {
                    var mask = CpuKernels.First(layout.Size - at - (vector * CpuKernels.Width));
                    Avx512F.MaskStore(
                        to + ((long)query * layout.OutputSize) + (vector * CpuKernels.Width), mask,
                        sums[(query * TileVectors) + vector] / Vector512.Create(totals[query]));
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void SixByFour(float* weights, nint columns, int count, float* values, nint stride, int seen, Vector512<float>* sums)
        {
            float* p0 = weights, p1 = weights + (Math.Min(1, count - 1) * columns), p2 = weights + (Math.Min(2, count - 1) * columns);
            float* p3 = weights + (Math.Min(3, count - 1) * columns), p4 = weights + (Math.Min(4, count - 1) * columns), p5 = weights + (Math.Min(5, count - 1) * columns);
            Vector512<float> a0 = sums[0], a1 = sums[1], a2 = sums[2], a3 = sums[3], b0 = sums[4], b1 = sums[5], b2 = sums[6], b3 = sums[7];
            Vector512<float> c0 = sums[8], c1 = sums[9], c2 = sums[10], c3 = sums[11], d0 = sums[12], d1 = sums[13], d2 = sums[14], d3 = sums[15];
            Vector512<float> e0 = sums[16], e1 = sums[17], e2 = sums[18], e3 = sums[19], f0 = sums[20], f1 = sums[21], f2 = sums[22], f3 = sums[23];
            for (nint i = 0; i < seen; i++)
            {
                Vector512<float> v0 = Vector512.Load(values), v1 = Vector512.Load(values + CpuKernels.Width);
                Vector512<float> v2 = Vector512.Load(values + (2 * CpuKernels.Width)), v3 = Vector512.Load(values + (3 * CpuKernels.Width));
                values += stride;
                var p = Vector512.Create(p0[i]);
                a0 = Avx512F.FusedMultiplyAdd(p, v0, a0);
                a1 = Avx512F.FusedMultiplyAdd(p, v1, a1);
                a2 = Avx512F.FusedMultiplyAdd(p, v2, a2);
                a3 = Avx512F.FusedMultiplyAdd(p, v3, a3);
                p = Vector512.Create(p1[i]);
                b0 = Avx512F.FusedMultiplyAdd(p, v0, b0);
                b1 = Avx512F.FusedMultiplyAdd(p, v1, b1);
                b2 = Avx512F.FusedMultiplyAdd(p, v2, b2);
                b3 = Avx512F.FusedMultiplyAdd(p, v3, b3);
                p = Vector512.Create(p2[i]);
                c0 = Avx512F.FusedMultiplyAdd(p, v0, c0);
                c1 = Avx512F.FusedMultiplyAdd(p, v1, c1);
                c2 = Avx512F.FusedMultiplyAdd(p, v2, c2);
                c3 = Avx512F.FusedMultiplyAdd(p, v3, c3);
                p = Vector512.Create(p3[i]);
                d0 = Avx512F.FusedMultiplyAdd(p, v0, d0);
                d1 = Avx512F.FusedMultiplyAdd(p, v1, d1);
                d2 = Avx512F.FusedMultiplyAdd(p, v2, d2);
                d3 = Avx512F.FusedMultiplyAdd(p, v3, d3);
                p = Vector512.Create(p4[i]);
                e0 = Avx512F.FusedMultiplyAdd(p, v0, e0);
                e1 = Avx512F.FusedMultiplyAdd(p, v1, e1);
                e2 = Avx512F.FusedMultiplyAdd(p, v2, e2);
                e3 = Avx512F.FusedMultiplyAdd(p, v3, e3);
                p = Vector512.Create(p5[i]);
                f0 = Avx512F.FusedMultiplyAdd(p, v0, f0);
                f1 = Avx512F.FusedMultiplyAdd(p, v1, f1);
                f2 = Avx512F.FusedMultiplyAdd(p, v2, f2);
                f3 = Avx512F.FusedMultiplyAdd(p, v3, f3);
            }

            (sums[0], sums[1], sums[2], sums[3]) = (a0, a1, a2, a3);
            (sums[4], sums[5], sums[6], sums[7]) = (b0, b1, b2, b3);
            (sums[8], sums[9], sums[10], sums[11]) = (c0, c1, c2, c3);
            (sums[12], sums[13], sums[14], sums[15]) = (d0, d1, d2, d3);
            (sums[16], sums[17], sums[18], sums[19]) = (e0, e1, e2, e3);
            (sums[20], sums[21], sums[22], sums[23]) = (f0, f1, f2, f3);
        }

        /// <remarks>For heads of 32 numbers.</remarks>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void SixByTwo(float* weights, nint columns, int count, float* values, nint stride, int seen, Vector512<float>* sums)
        {
            float* p0 = weights, p1 = weights + (Math.Min(1, count - 1) * columns), p2 = weights + (Math.Min(2, count - 1) * columns);
            float* p3 = weights + (Math.Min(3, count - 1) * columns), p4 = weights + (Math.Min(4, count - 1) * columns), p5 = weights + (Math.Min(5, count - 1) * columns);
            Vector512<float> a0 = sums[0], a1 = sums[1], b0 = sums[4], b1 = sums[5], c0 = sums[8], c1 = sums[9];
            Vector512<float> d0 = sums[12], d1 = sums[13], e0 = sums[16], e1 = sums[17], f0 = sums[20], f1 = sums[21];
            for (nint i = 0; i < seen; i++)
            {
                Vector512<float> v0 = Vector512.Load(values), v1 = Vector512.Load(values + CpuKernels.Width);
                values += stride;
                a0 = Avx512F.FusedMultiplyAdd(Vector512.Create(p0[i]), v0, a0);
                a1 = Avx512F.FusedMultiplyAdd(Vector512.Create(p0[i]), v1, a1);
                b0 = Avx512F.FusedMultiplyAdd(Vector512.Create(p1[i]), v0, b0);
                b1 = Avx512F.FusedMultiplyAdd(Vector512.Create(p1[i]), v1, b1);
                c0 = Avx512F.FusedMultiplyAdd(Vector512.Create(p2[i]), v0, c0);
                c1 = Avx512F.FusedMultiplyAdd(Vector512.Create(p2[i]), v1, c1);
                d0 = Avx512F.FusedMultiplyAdd(Vector512.Create(p3[i]), v0, d0);
                d1 = Avx512F.FusedMultiplyAdd(Vector512.Create(p3[i]), v1, d1);
                e0 = Avx512F.FusedMultiplyAdd(Vector512.Create(p4[i]), v0, e0);
                e1 = Avx512F.FusedMultiplyAdd(Vector512.Create(p4[i]), v1, e1);
                f0 = Avx512F.FusedMultiplyAdd(Vector512.Create(p5[i]), v0, f0);
                f1 = Avx512F.FusedMultiplyAdd(Vector512.Create(p5[i]), v1, f1);
            }

            (sums[0], sums[1], sums[4], sums[5], sums[8], sums[9]) = (a0, a1, b0, b1, c0, c1);
            (sums[12], sums[13], sums[16], sums[17], sums[20], sums[21]) = (d0, d1, e0, e1, f0, f1);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void OneByFour(float* weights, float* values, nint stride, int seen, Vector512<float>* sums)
        {
            Vector512<float> a = sums[0], b = sums[1], c = sums[2], d = sums[3];
            for (nint i = 0; i < seen; i++, values += stride)
            {
                var p = Vector512.Create(weights[i]);
                a = Avx512F.FusedMultiplyAdd(p, Vector512.Load(values), a);
                b = Avx512F.FusedMultiplyAdd(p, Vector512.Load(values + CpuKernels.Width), b);
                c = Avx512F.FusedMultiplyAdd(p, Vector512.Load(values + (2 * CpuKernels.Width)), c);
                d = Avx512F.FusedMultiplyAdd(p, Vector512.Load(values + (3 * CpuKernels.Width)), d);
            }

            (sums[0], sums[1], sums[2], sums[3]) = (a, b, c, d);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void One(float* weights, float* values, nint stride, int seen, Vector512<float>* sum)
        {
            var total = *sum;
            for (nint i = 0; i < seen; i++, values += stride)
            {
                total = Avx512F.FusedMultiplyAdd(Vector512.Create(weights[i]), Vector512.Load(values), total);
            }

            *sum = total;
        }
    }
}
