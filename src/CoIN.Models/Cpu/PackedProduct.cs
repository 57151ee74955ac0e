using CoIN.Models.Checkpoints;
using CoIN.Models.Cpu.Kernels;
using CoIN.Models.Modules;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Cpu;

/// <summary>
/// Products with weights in four bits. They are dequantized a panel of rows at a time, to memory that stays in the cache, and multiplied by
/// the same kernels as others: the results are the same bits as with the whole weight dequantized.
/// </summary>
internal static unsafe class PackedProduct
{
    /// <summary>Rows of a panel forward: outputs that one thread forms.</summary>
    private const int PanelRows = 128;

    /// <summary>The same where there are few rows of x, so that there are panels enough for all threads.</summary>
    private const int NarrowPanelRows = 32;

    /// <summary>Rows of a panel backward, which all threads share.</summary>
    public const int SharedRows = 512;

    /// <summary>The map x Wᵀ + b.</summary>
    /// <param name="x">[…, inputs].</param>
    /// <returns>[…, outputs].</returns>
    public static Tensor Linear(Linear linear, Tensor x)
    {
        if (!Serves(linear, x))
        {
            return linear.Forward(x);
        }

        var y = empty([.. x.shape[..^1], linear.Out], ScalarType.Float32);
        Into(y, linear, x, adds: false);
        return y;
    }

    /// <summary>Adds x Wᵀ + b to what is in <paramref name="sum"/>, or to a new tensor where it is not for these kernels.</summary>
    /// <param name="sum">[…, outputs], contiguous. It may be changed.</param>
    public static Tensor AddLinear(Linear linear, Tensor sum, Tensor x)
    {
        if (!Serves(linear, x) || !CpuKernels.Serve(sum) || !sum.is_contiguous())
        {
            using var product = linear.Forward(x);
            return sum.add(product, Torch.Scalars.One);
        }

        Into(sum, linear, x, adds: true);
        return sum;
    }

    /// <summary>The gradient of the input, dY W.</summary>
    /// <param name="gradient">[N, outputs], contiguous.</param>
    /// <param name="result">[N, inputs], contiguous; written.</param>
    public static void Backward(Linear linear, Tensor gradient, Tensor result)
    {
        using var scope = NewDisposeScope();
        using var room = empty([SharedRows, linear.In], ScalarType.Float32);
        var (dense, to, from) = (MatrixView.Of(room), MatrixView.Of(result), MatrixView.Of(gradient));
        var output = 0;
        foreach (var part in linear.Packed!)
        {
            for (var row = 0; row < part.Rows; row += SharedRows)
            {
                var panel = dense.RowRange(0, Math.Min(SharedRows, part.Rows - row));
                var pieces = (panel.Rows + NarrowPanelRows - 1) / NarrowPanelRows;
                ComputeTeam.Run(pieces, piece =>
                {
                    var first = piece * NarrowPanelRows;
                    part.RowsInto(panel.RowRange(first, 1).At, row + first, Math.Min(NarrowPanelRows, panel.Rows - first));
                });
                PanelProduct.Run(from.ColumnRange(output, panel.Rows), panel, to, adds: output > 0);
                output += panel.Rows;
            }
        }

        GC.KeepAlive(gradient);
        GC.KeepAlive(result);
    }

    private static bool Serves(Linear linear, Tensor x) =>
        CpuKernels.Serve(x)
        && linear.Dtype == ScalarType.Float32
        && x.numel() > 0
        && x.size(-1) == linear.In
        && (linear.Bias is null || CpuKernels.Serve(linear.Bias));

    private static void Into(Tensor y, Linear linear, Tensor x, bool adds)
    {
        using var scope = NewDisposeScope();
        var plain = x.contiguous();
        var (from, to, inputs) = (MatrixView.Of(plain), MatrixView.Of(y), linear.In);
        var bias = linear.Bias is { } all ? TensorMemory.Address(all) : null;
        var size = from.Rows > NarrowPanelRows ? PanelRows : NarrowPanelRows;
        var panels = new List<(Nf4Weight Part, int Row, int Output)>();
        var output = 0;
        foreach (var part in linear.Packed!)
        {
            for (var row = 0; row < part.Rows; row += size)
            {
                panels.Add((part, row, output + row));
            }

            output += part.Rows;
        }

        ComputeTeam.Run(panels.Count, piece =>
        {
            var (part, row, first) = panels[piece];
            var rows = Math.Min(size, part.Rows - row);
            var room = Workspace.Take((long)rows * inputs);
            part.RowsInto(room, row, rows);
            MatrixProduct.RunAlone(
                from,
                new MatrixView(room, rows, inputs, inputs),
                bias is null ? null : bias + first,
                to.ColumnRange(first, rows),
                adds
            );
        });
        GC.KeepAlive(plain);
        GC.KeepAlive(linear);
        GC.KeepAlive(y);
    }
}
