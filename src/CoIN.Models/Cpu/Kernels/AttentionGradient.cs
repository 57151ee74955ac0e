using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Cpu.Kernels;

/// <summary>A whole sequence among the rows of a batch, and the queries of which the attention is wanted.</summary>
/// <param name="From">Row of its first position.</param>
/// <param name="Length">Positions.</param>
/// <param name="Queries">Places of the queries within it, in order.</param>
/// <param name="Row">The first query's row among those of all sequences.</param>
internal sealed record AttendedSequence(int From, int Length, IReadOnlyList<int> Queries, int Row);

/// <summary>
/// The gradient of causal attention in whole sequences. Nothing of the size positions × positions is kept: the weights are computed again
/// from the logarithms of their sums, some queries at a time (Dao et al. 2022). What is added up over queries is so in their order.
/// </summary>
internal static unsafe class AttentionGradient
{
    /// <summary>Queries whose weights exist together: whole tiles.</summary>
    private const int BlockQueries = 8 * BroadcastProduct.Rows;

    /// <summary>Computes it.</summary>
    /// <param name="qkv">[N, <see cref="HeadLayout.RowSize"/>], rotated.</param>
    /// <param name="attended">[queries, <see cref="HeadLayout.OutputSize"/>], what came of it.</param>
    /// <param name="logSums">[queries, heads]: see <see cref="Attention.Attend"/>.</param>
    /// <param name="gradient">As <paramref name="attended"/>.</param>
    /// <param name="rotation">How queries and keys were turned.</param>
    /// <returns>Shaped as <paramref name="qkv"/>: the gradient with respect to queries, keys and values before their rotation.</returns>
    public static Tensor Run(
        Tensor qkv,
        Tensor attended,
        Tensor logSums,
        Tensor gradient,
        HeadLayout layout,
        IReadOnlyList<AttendedSequence> sequences,
        RotationTable rotation
    )
    {
        var result = empty(qkv.shape, ScalarType.Float32);
        float* at = TensorMemory.Address(qkv),
            o = TensorMemory.Address(attended),
            sums = TensorMemory.Address(logSums),
            g = TensorMemory.Address(gradient);
        float* to = TensorMemory.Address(result),
            cos = TensorMemory.Address(rotation.Cos),
            sin = TensorMemory.Address(rotation.Sin);
        ComputeTeam.Run(sequences.Count * layout.KeyValueHeads, i =>
        {
            var sequence = sequences[i / layout.KeyValueHeads];
            var row = (long)sequence.Row;
            var turned = rotation.OfRows ? (long)sequence.From * layout.Size : 0;
            new Heads(
                sequence,
                layout,
                i % layout.KeyValueHeads,
                at + ((long)sequence.From * layout.RowSize),
                o + (row * layout.OutputSize),
                sums + (row * layout.Heads),
                g + (row * layout.OutputSize),
                to + ((long)sequence.From * layout.RowSize),
                cos + turned,
                sin + turned
            ).Run();
        });
        GC.KeepAlive(qkv);
        GC.KeepAlive(attended);
        GC.KeepAlive(logSums);
        GC.KeepAlive(gradient);
        GC.KeepAlive(rotation.Cos);
        GC.KeepAlive(rotation.Sin);
        return result;
    }

    /// <summary>A key/value head of a sequence, with the query heads that share it.</summary>
    private readonly ref struct Heads(
        AttendedSequence sequence,
        HeadLayout layout,
        int keyHead,
        float* qkv,
        float* attended,
        float* logSums,
        float* gradient,
        float* to,
        float* cos,
        float* sin
    )
    {
        private readonly int size = layout.Size;
        private readonly int padded = Workspace.Whole(layout.Size);
        private readonly int places = Workspace.Whole(sequence.Length);

        private int Count => sequence.Queries.Count;

        public void Run()
        {
            // Keys and values twice: turned, as products with queries want them, and row by row.
            long turned = (long)places * size,
                rows = (long)places * padded,
                queries = (long)Count * padded;
            var memory = Workspace.Take((2 * turned) + (3 * rows) + (2 * queries) + Count + ((2L * places) + padded) * BlockQueries);
            float* keysTransposed = memory,
                valuesTransposed = keysTransposed + turned,
                keys = valuesTransposed + turned,
                keyGradient = keys + rows,
                valueGradient = keyGradient + rows;
            float* query = valueGradient + rows,
                output = query + queries,
                weights = output + queries,
                scores = weights + ((long)places * BlockQueries);
            float* queryGradient = scores + ((long)places * BlockQueries),
                shares = queryGradient + ((long)padded * BlockQueries);

            float* k = qkv + ((layout.Heads + keyHead) * size),
                v = k + (layout.KeyValueHeads * size);
            Turn(k, keysTransposed);
            Turn(v, valuesTransposed);
            Lay(k, layout.RowSize, null, sequence.Length, keys);
            new Span<float>(keyGradient, (int)(2 * rows)).Clear();

            var shared = layout.Heads / layout.KeyValueHeads;
            for (var head = keyHead * shared; head < (keyHead + 1) * shared; head++)
            {
                Lay(qkv + (head * size), layout.RowSize, sequence.Queries, Count, query);
                Lay(gradient + (head * size), layout.OutputSize, null, Count, output);
                for (var i = 0; i < Count; i++)
                {
                    shares[i] = Dot(output + ((long)i * padded), attended + ((long)i * layout.OutputSize) + (head * size));
                }

                ClearQueries(to + (head * size));
                for (var first = 0; first < Count; first += BlockQueries)
                {
                    Block(
                        head,
                        first,
                        Math.Min(BlockQueries, Count - first),
                        keysTransposed,
                        valuesTransposed,
                        keys,
                        query,
                        output,
                        shares,
                        weights,
                        scores,
                        keyGradient,
                        valueGradient,
                        queryGradient
                    );
                }
            }

            float* toKeys = to + ((layout.Heads + keyHead) * size),
                toValues = toKeys + (layout.KeyValueHeads * size);
            for (var i = 0; i < sequence.Length; i++)
            {
                Put(keyGradient + ((long)i * padded), toKeys + ((long)i * layout.RowSize), i, rotated: true);
                Put(valueGradient + ((long)i * padded), toValues + ((long)i * layout.RowSize), i, rotated: false);
            }
        }

        private void Block(
            int head,
            int first,
            int count,
            float* keysTransposed,
            float* valuesTransposed,
            float* keys,
            float* query,
            float* output,
            float* shares,
            float* weights,
            float* scores,
            float* keyGradient,
            float* valueGradient,
            float* queryGradient
        )
        {
            var columns = Workspace.Whole(sequence.Queries[first + count - 1] + 1);
            for (var i = 0; i < count; i += BroadcastProduct.Rows)
            {
                var rows = Math.Min(BroadcastProduct.Rows, count - i);
                float* w = weights + ((long)i * columns),
                    s = scores + ((long)i * columns);
                var seen = sequence.Queries[first + i + rows - 1] + 1;
                Products(query + ((long)(first + i) * padded), rows, keysTransposed, seen, w, columns);
                Products(output + ((long)(first + i) * padded), rows, valuesTransposed, seen, s, columns);
                for (var row = 0; row < rows; row++)
                {
                    var at = first + i + row;
                    Weigh(
                        w + ((long)row * columns),
                        s + ((long)row * columns),
                        sequence.Queries[at] + 1,
                        columns,
                        logSums[((long)at * layout.Heads) + head],
                        shares[at]
                    );
                }

                for (var part = 0; part < padded; part += BroadcastProduct.Vectors * CpuKernels.Width)
                {
                    BroadcastProduct.Run(
                        s,
                        columns,
                        1,
                        rows,
                        keys + part,
                        padded,
                        CpuKernels.Width,
                        Vectors(part),
                        seen,
                        queryGradient + ((long)i * padded) + part,
                        padded,
                        continues: false
                    );
                }
            }

            for (var i = 0; i < count; i++)
            {
                var place = sequence.Queries[first + i];
                Put(queryGradient + ((long)i * padded), to + ((long)place * layout.RowSize) + (head * size), place, rotated: true);
            }

            // Queries that stand before a tile's first key do not see it.
            var skip = 0;
            for (var key = 0; key < sequence.Queries[first + count - 1] + 1; key += BroadcastProduct.Rows)
            {
                while (sequence.Queries[first + skip] < key)
                {
                    skip++;
                }

                var rows = Math.Min(BroadcastProduct.Rows, columns - key);
                var from = ((long)skip * columns) + key;
                for (var part = 0; part < padded; part += BroadcastProduct.Vectors * CpuKernels.Width)
                {
                    var source = ((long)(first + skip) * padded) + part;
                    var target = ((long)key * padded) + part;
                    BroadcastProduct.Run(
                        scores + from,
                        1,
                        columns,
                        rows,
                        query + source,
                        padded,
                        CpuKernels.Width,
                        Vectors(part),
                        count - skip,
                        keyGradient + target,
                        padded,
                        continues: true
                    );
                    BroadcastProduct.Run(
                        weights + from,
                        1,
                        columns,
                        rows,
                        output + source,
                        padded,
                        CpuKernels.Width,
                        Vectors(part),
                        count - skip,
                        valueGradient + target,
                        padded,
                        continues: true
                    );
                }
            }
        }

        /// <summary>Products of some rows with all turned ones that are seen, a group of which makes a vector.</summary>
        private void Products(float* rows, int count, float* turned, int seen, float* products, int columns)
        {
            var groups = (seen + CpuKernels.Width - 1) / CpuKernels.Width;
            for (var group = 0; group < groups; group += BroadcastProduct.Vectors)
            {
                var place = group * CpuKernels.Width;
                BroadcastProduct.Run(
                    rows,
                    padded,
                    1,
                    count,
                    turned + ((long)place * size),
                    CpuKernels.Width,
                    (nint)size * CpuKernels.Width,
                    Math.Min(BroadcastProduct.Vectors, groups - group),
                    size,
                    products + place,
                    columns,
                    continues: false
                );
            }
        }

        /// <summary>
        /// A query's products with keys become weights, those of its gradient with values the products' gradients; zeros stand behind what
        /// it sees.
        /// </summary>
        /// <param name="share">The gradient's product with what the query attended to: what the weights' sum of one takes away.</param>
        private void Weigh(float* weights, float* scores, int seen, int columns, float logSum, float share)
        {
            Vector512<float> scale = Vector512.Create(1 / MathF.Sqrt(size)),
                sum = Vector512.Create(logSum),
                part = Vector512.Create(share);
            var i = 0;
            for (; i < seen; i += CpuKernels.Width)
            {
                var mask = RowKernels.Mask(seen - i);
                var weight = Exponential.Of((Vector512.Load(weights + i) * scale) - sum) & mask;
                weight.Store(weights + i);
                ((weight * (Vector512.Load(scores + i) - part) * scale) & mask).Store(scores + i);
            }

            new Span<float>(weights + i, columns - i).Clear();
            new Span<float>(scores + i, columns - i).Clear();
        }

        private float Dot(float* a, float* b)
        {
            Vector512<float> sum = default;
            for (var i = 0; i < size; i += CpuKernels.Width)
            {
                var mask = RowKernels.Mask(size - i);
                sum = Avx512F.FusedMultiplyAdd(Vector512.Load(a + i), Avx512F.MaskLoad(b + i, mask, default), sum);
            }

            return CpuKernels.Sum(sum);
        }

        /// <summary>Vectors of a head from one of its numbers on, as many as a product takes.</summary>
        private int Vectors(int part) => Math.Min(BroadcastProduct.Vectors, (padded - part) / CpuKernels.Width);

        /// <summary>[positions, size] to [groups of positions, size, positions of the group]; zeros behind the last.</summary>
        private void Turn(float* from, float* turned)
        {
            for (var place = 0; place < places; place += CpuKernels.Width, turned += CpuKernels.Width * size)
            {
                var source = from + ((long)place * layout.RowSize);
                var count = Math.Min(CpuKernels.Width, sequence.Length - place);
                var i = 0;
                if (count == CpuKernels.Width)
                {
                    for (; i + CpuKernels.Width <= size; i += CpuKernels.Width)
                    {
                        Transposition.Square(source + i, layout.RowSize, turned + (i * CpuKernels.Width), CpuKernels.Width);
                    }
                }

                for (; i < size; i++)
                {
                    for (var k = 0; k < CpuKernels.Width; k++)
                    {
                        turned[(i * CpuKernels.Width) + k] = k < count ? source[((long)k * layout.RowSize) + i] : 0;
                    }
                }
            }
        }

        /// <summary>Rows of a head behind one another, each in whole vectors, zeros at its end.</summary>
        /// <param name="which">The rows' places; null for all.</param>
        private void Lay(float* from, int step, IReadOnlyList<int>? which, int count, float* laid)
        {
            for (var i = 0; i < count; i++, laid += padded)
            {
                new ReadOnlySpan<float>(from + ((long)(which is null ? i : which[i]) * step), size).CopyTo(new Span<float>(laid, size));
                new Span<float>(laid + size, padded - size).Clear();
            }
        }

        /// <summary>Where not all positions are queries, the others' gradient is zero.</summary>
        private void ClearQueries(float* queries)
        {
            if (Count == sequence.Length)
            {
                return;
            }

            for (var i = 0; i < sequence.Length; i++)
            {
                new Span<float>(queries + ((long)i * layout.RowSize), size).Clear();
            }
        }

        private void Put(float* from, float* target, int place, bool rotated)
        {
            new ReadOnlySpan<float>(from, size).CopyTo(new Span<float>(target, size));
            if (rotated)
            {
                Attention.RotateBack(target, size / 2, cos + ((long)place * size), sin + ((long)place * size));
            }
        }
    }
}
