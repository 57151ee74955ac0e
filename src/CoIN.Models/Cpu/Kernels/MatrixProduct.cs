using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using CoIN.Models.Modules;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace CoIN.Models.Cpu.Kernels;

/// <summary>
/// Linear maps x Wᵀ + b. Both x and W have their inputs side by side in memory, so that a block of sums is formed by going along both,
/// without rearranging either: good for one row as for thousands.
/// </summary>
internal static unsafe class MatrixProduct
{
    /// <summary>Rows and outputs of a tile: 24 sums, which with the vectors that feed them fill the processor's 32 registers.</summary>
    private const int TileRows = 6,
        TileOutputs = 4;

    /// <summary>
    /// Rows, outputs and inputs of a block: its weights (128 · 768 numbers) stay in the second-level cache while the rows pass by.
    /// </summary>
    private const int BlockRows = 60,
        BlockOutputs = 128,
        BlockInputs = 768;

    /// <summary>Outputs of a block where there are few rows, so that there are blocks enough for all threads.</summary>
    private const int NarrowOutputs = 16;

    /// <summary>The map x Wᵀ + b; by libtorch where it is not for these kernels.</summary>
    /// <param name="x">[…, inputs].</param>
    /// <param name="weight">[outputs, inputs].</param>
    /// <param name="bias">[outputs], or null.</param>
    /// <returns>[…, outputs].</returns>
    public static Tensor Linear(Tensor x, Tensor weight, Tensor? bias)
    {
        if (!Serves(x, weight, bias))
        {
            return F.linear(x, weight, bias);
        }

        var y = empty([.. x.shape[..^1], weight.size(0)], ScalarType.Float32);
        Into(y, x, weight, bias, adds: false);
        return y;
    }

    /// <summary>Adds x Wᵀ + b to what is in <paramref name="sum"/>, or to a new tensor where it is not for these kernels.</summary>
    /// <param name="sum">[…, outputs], contiguous. It may be changed.</param>
    /// <returns>The sum.</returns>
    public static Tensor AddLinear(Tensor sum, Tensor x, Tensor weight, Tensor? bias)
    {
        if (!Serves(x, weight, bias) || !CpuKernels.Serve(sum) || !sum.is_contiguous())
        {
            using var product = F.linear(x, weight, bias);
            return sum.add(product, Torch.Scalars.One);
        }

        Into(sum, x, weight, bias, adds: true);
        return sum;
    }

    /// <summary>Writes x Wᵀ to where <paramref name="y"/> is.</summary>
    /// <param name="x">[rows, inputs], a row's numbers side by side.</param>
    /// <param name="w">[outputs, inputs], likewise.</param>
    /// <param name="y">[rows, outputs], likewise.</param>
    public static void Run(MatrixView x, MatrixView w, MatrixView y)
    {
        if (
            x.Columns != w.Columns
            || y.Rows != x.Rows
            || y.Columns != w.Rows
            || x.ColumnStep != 1
            || w.ColumnStep != 1
            || y.ColumnStep != 1
        )
        {
            throw new ArgumentException(
                $"[{x.Rows}, {x.Columns}] times [{w.Rows}, {w.Columns}] transposed is not [{y.Rows}, {y.Columns}], or not row by row."
            );
        }

        new Product(x, w, null, y, adds: false).Run();
    }

    /// <summary>Writes x Wᵀ + b to where <paramref name="y"/> is, or adds it, on the caller's thread alone.</summary>
    /// <param name="x">[rows, inputs], a row's numbers side by side; so are those of the others.</param>
    /// <param name="w">[outputs, inputs].</param>
    /// <param name="bias">[outputs], or null.</param>
    /// <param name="y">[rows, outputs].</param>
    public static void RunAlone(MatrixView x, MatrixView w, float* bias, MatrixView y, bool adds) =>
        new Product(x, w, bias, y, adds).RunAlone();

    /// <remarks>Sizes that do not fit are libtorch's to refuse.</remarks>
    private static bool Serves(Tensor x, Tensor weight, Tensor? bias) =>
        CpuKernels.Serve(x)
        && CpuKernels.Serve(weight)
        && (bias is null || (CpuKernels.Serve(bias) && bias.numel() == weight.size(0)))
        && weight.is_contiguous()
        && x.numel() > 0
        && weight.numel() > 0
        && x.size(-1) == weight.size(1);

    private static void Into(Tensor y, Tensor x, Tensor weight, Tensor? bias, bool adds)
    {
        using var scope = NewDisposeScope();
        var plain = x.contiguous();
        new Product(
            MatrixView.Of(plain),
            MatrixView.Of(weight),
            bias is null ? null : TensorMemory.Address(bias.contiguous()),
            MatrixView.Of(y),
            adds
        ).Run();
        GC.KeepAlive(plain);
        GC.KeepAlive(weight);
        GC.KeepAlive(bias);
        GC.KeepAlive(y);
    }

    /// <summary>
    /// One product. Pieces are blocks of rows and outputs; a sum is formed by the same operations whichever tile it falls into.
    /// </summary>
    private sealed class Product
    {
        private readonly float* x;
        private readonly float* w;
        private readonly float* y;
        private readonly nint xStep;
        private readonly nint wStep;
        private readonly nint yStep;
        private readonly float* bias;
        private readonly int rows;
        private readonly int inputs;
        private readonly int outputs;
        private readonly bool adds;

        public Product(MatrixView x, MatrixView w, float* bias, MatrixView y, bool adds)
        {
            this.x = x.At;
            this.w = w.At;
            this.y = y.At;
            (xStep, wStep, yStep) = (x.RowStep, w.RowStep, y.RowStep);
            (rows, inputs, outputs) = (x.Rows, x.Columns, w.Rows);
            this.bias = bias;
            this.adds = adds;
        }

        public void Run() => Run(ComputeTeam.Run);

        public void RunAlone() =>
            Run(
                static (pieces, piece) =>
                {
                    for (var i = 0; i < pieces; i++)
                    {
                        piece(i);
                    }
                }
            );

        private void Run(Action<int, Action<int>> all)
        {
            var few = rows <= NarrowOutputs * 2;
            int rowBlock = few ? rows : BlockRows,
                outputBlock = few ? NarrowOutputs : BlockOutputs,
                stretch = Stretch(inputs);
            int rowBlocks = (rows + rowBlock - 1) / rowBlock,
                outputBlocks = (outputs + outputBlock - 1) / outputBlock;
            all(rowBlocks * outputBlocks, piece =>
            {
                int row = piece % rowBlocks * rowBlock,
                    output = piece / rowBlocks * outputBlock;
                for (var from = 0; from < inputs; from += stretch)
                {
                    Block(
                        row,
                        Math.Min(rows, row + rowBlock),
                        output,
                        Math.Min(outputs, output + outputBlock),
                        from,
                        Math.Min(stretch, inputs - from)
                    );
                }
            });
        }

        /// <summary>
        /// Inputs that are summed at a time: all, or equal stretches of whole vectors where a block of all would be too large for the
        /// cache.
        /// </summary>
        private static int Stretch(int inputs)
        {
            var stretches = (inputs + BlockInputs - 1) / BlockInputs;
            var vectors = (inputs + CpuKernels.Width - 1) / CpuKernels.Width;
            return (vectors + stretches - 1) / stretches * CpuKernels.Width;
        }

        private void Block(int row, int rowEnd, int output, int outputEnd, int from, int length)
        {
            if (from == 0 && bias is not null)
            {
                Start(row, rowEnd, output, outputEnd);
            }

            var continues = adds || bias is not null || from > 0;
            var wholeVectors = length % CpuKernels.Width == 0;
            var sums = stackalloc float[TileRows * TileOutputs];
            for (; row < rowEnd; row += row + TileRows <= rowEnd ? TileRows : 1)
            {
                var count = row + TileRows <= rowEnd ? TileRows : 1;
                for (var j = output; j < outputEnd; j += TileOutputs)
                {
                    var direct = wholeVectors && j + TileOutputs <= outputs;
                    var to = direct ? y + (row * yStep) + j : sums;
                    var step = direct ? yStep : TileOutputs;
                    if (count == TileRows)
                    {
                        Six(row, j, from, length, to, step, direct && continues);
                    }
                    else
                    {
                        One(row, j, from, length, to, direct && continues);
                    }

                    if (!direct)
                    {
                        Put(row, count, j, from, length, sums, continues);
                    }
                }
            }
        }

        /// <summary>What the sums are added to: the bias, and what is there already if that is wanted.</summary>
        private void Start(int row, int rowEnd, int output, int outputEnd)
        {
            for (; row < rowEnd; row++)
            {
                var target = new Span<float>(y + (row * yStep) + output, outputEnd - output);
                var start = new ReadOnlySpan<float>(bias + output, target.Length);
                if (adds)
                {
                    for (var i = 0; i < target.Length; i++)
                    {
                        target[i] += start[i];
                    }
                }
                else
                {
                    start.CopyTo(target);
                }
            }
        }

        /// <remarks>It calls nothing, so that all sums stay in registers.</remarks>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Six(int row, int output, int from, int length, float* to, nint toStep, bool continues)
        {
            var step = xStep;
            float* x0 = x + (row * xStep) + from,
                x3 = x0 + (3 * step);
            float* w0 = w + (output * wStep) + from,
                w1 = Weights(output + 1, from),
                w2 = Weights(output + 2, from),
                w3 = Weights(output + 3, from);
            Vector512<float> a0 = default,
                a1 = default,
                a2 = default,
                a3 = default,
                b0 = default,
                b1 = default,
                b2 = default,
                b3 = default;
            Vector512<float> c0 = default,
                c1 = default,
                c2 = default,
                c3 = default,
                d0 = default,
                d1 = default,
                d2 = default,
                d3 = default;
            Vector512<float> e0 = default,
                e1 = default,
                e2 = default,
                e3 = default,
                f0 = default,
                f1 = default,
                f2 = default,
                f3 = default;
            nint i = 0;
            for (; i + CpuKernels.Width <= length; i += CpuKernels.Width)
            {
                Vector512<float> u0 = Vector512.Load(w0 + i),
                    u1 = Vector512.Load(w1 + i),
                    u2 = Vector512.Load(w2 + i),
                    u3 = Vector512.Load(w3 + i);
                var v = Vector512.Load(x0 + i);
                a0 = Avx512F.FusedMultiplyAdd(v, u0, a0);
                a1 = Avx512F.FusedMultiplyAdd(v, u1, a1);
                a2 = Avx512F.FusedMultiplyAdd(v, u2, a2);
                a3 = Avx512F.FusedMultiplyAdd(v, u3, a3);
                v = Vector512.Load(x0 + step + i);
                b0 = Avx512F.FusedMultiplyAdd(v, u0, b0);
                b1 = Avx512F.FusedMultiplyAdd(v, u1, b1);
                b2 = Avx512F.FusedMultiplyAdd(v, u2, b2);
                b3 = Avx512F.FusedMultiplyAdd(v, u3, b3);
                v = Vector512.Load(x0 + (2 * step) + i);
                c0 = Avx512F.FusedMultiplyAdd(v, u0, c0);
                c1 = Avx512F.FusedMultiplyAdd(v, u1, c1);
                c2 = Avx512F.FusedMultiplyAdd(v, u2, c2);
                c3 = Avx512F.FusedMultiplyAdd(v, u3, c3);
                v = Vector512.Load(x3 + i);
                d0 = Avx512F.FusedMultiplyAdd(v, u0, d0);
                d1 = Avx512F.FusedMultiplyAdd(v, u1, d1);
                d2 = Avx512F.FusedMultiplyAdd(v, u2, d2);
                d3 = Avx512F.FusedMultiplyAdd(v, u3, d3);
                v = Vector512.Load(x3 + step + i);
                e0 = Avx512F.FusedMultiplyAdd(v, u0, e0);
                e1 = Avx512F.FusedMultiplyAdd(v, u1, e1);
                e2 = Avx512F.FusedMultiplyAdd(v, u2, e2);
                e3 = Avx512F.FusedMultiplyAdd(v, u3, e3);
                v = Vector512.Load(x3 + (2 * step) + i);
                f0 = Avx512F.FusedMultiplyAdd(v, u0, f0);
                f1 = Avx512F.FusedMultiplyAdd(v, u1, f1);
                f2 = Avx512F.FusedMultiplyAdd(v, u2, f2);
                f3 = Avx512F.FusedMultiplyAdd(v, u3, f3);
            }

            Write(to, Sums(a0, a1, a2, a3), continues);
            Write(to + toStep, Sums(b0, b1, b2, b3), continues);
            Write(to + (2 * toStep), Sums(c0, c1, c2, c3), continues);
            Write(to + (3 * toStep), Sums(d0, d1, d2, d3), continues);
            Write(to + (4 * toStep), Sums(e0, e1, e2, e3), continues);
            Write(to + (5 * toStep), Sums(f0, f1, f2, f3), continues);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void One(int row, int output, int from, int length, float* to, bool continues)
        {
            var x0 = x + (row * xStep) + from;
            float* w0 = w + (output * wStep) + from,
                w1 = Weights(output + 1, from),
                w2 = Weights(output + 2, from),
                w3 = Weights(output + 3, from);
            Vector512<float> a0 = default,
                a1 = default,
                a2 = default,
                a3 = default;
            nint i = 0;
            for (; i + CpuKernels.Width <= length; i += CpuKernels.Width)
            {
                var v = Vector512.Load(x0 + i);
                a0 = Avx512F.FusedMultiplyAdd(v, Vector512.Load(w0 + i), a0);
                a1 = Avx512F.FusedMultiplyAdd(v, Vector512.Load(w1 + i), a1);
                a2 = Avx512F.FusedMultiplyAdd(v, Vector512.Load(w2 + i), a2);
                a3 = Avx512F.FusedMultiplyAdd(v, Vector512.Load(w3 + i), a3);
            }

            Write(to, Sums(a0, a1, a2, a3), continues);
        }

        /// <summary>A row of the weights; the last one again where a tile reaches beyond it.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private float* Weights(int output, int from) => w + (Math.Min(output, outputs - 1) * wStep) + from;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Write(float* to, Vector128<float> sums, bool continues) =>
            (continues ? sums + Vector128.Load(to) : sums).Store(to);

        /// <summary>Writes a tile that reaches beyond the outputs, or to whose sums inputs that fill no vector have to be added.</summary>
        /// <param name="sums">[<paramref name="count"/>, <see cref="TileOutputs"/>].</param>
        private void Put(int row, int count, int output, int from, int length, float* sums, bool continues)
        {
            var done = length - (length % CpuKernels.Width);
            var target = y + (row * yStep) + output;
            for (var i = 0; i < count; i++, target += yStep)
            {
                var sum = Vector128.Load(sums + (i * TileOutputs));
                if (done < length)
                {
                    sum += Rest(row + i, output, from, done, length);
                }

                for (var k = 0; k < Math.Min(TileOutputs, outputs - output); k++)
                {
                    target[k] = continues ? sum[k] + target[k] : sum[k];
                }
            }
        }

        private Vector128<float> Rest(int row, int output, int from, int done, int length)
        {
            var mask = CpuKernels.First(length - done);
            var v = Avx512F.MaskLoad(x + (row * xStep) + from + done, mask, default);
            return Sums(
                v * Avx512F.MaskLoad(Weights(output, from) + done, mask, default),
                v * Avx512F.MaskLoad(Weights(output + 1, from) + done, mask, default),
                v * Avx512F.MaskLoad(Weights(output + 2, from) + done, mask, default),
                v * Avx512F.MaskLoad(Weights(output + 3, from) + done, mask, default)
            );
        }

        /// <summary>The sums of four vectors' lanes.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector128<float> Sums(Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> d)
        {
            // Four lanes at a time: a, b, a, b; then a, b, c, d.
            Vector512<float> ab = Avx512F.UnpackLow(a, b) + Avx512F.UnpackHigh(a, b),
                cd = Avx512F.UnpackLow(c, d) + Avx512F.UnpackHigh(c, d);
            var all =
                Avx512F.UnpackLow(ab.AsDouble(), cd.AsDouble()).AsSingle() + Avx512F.UnpackHigh(ab.AsDouble(), cd.AsDouble()).AsSingle();
            var sums = all.GetLower() + all.GetUpper();
            return sums.GetLower() + sums.GetUpper();
        }
    }
}
