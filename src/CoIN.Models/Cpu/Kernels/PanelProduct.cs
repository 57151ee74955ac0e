using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using CoIN.Models.Torch;
using static TorchSharp.torch;

namespace CoIN.Models.Cpu.Kernels;

/// <summary>
/// Products X W for gradients, in which the sums run along W's rows: the gradient of a linear map's input is dY W, that of its weight dYᵀ
/// X. A panel of W, some columns of a stretch of its rows, is laid out row by row first and serves many rows of X. The sum of an element is
/// formed by the same operations in the same order whatever is computed with it.
/// </summary>
internal static unsafe class PanelProduct
{
    /// <summary>Columns of a panel: what a tile of <see cref="BroadcastProduct"/> has.</summary>
    private const int PanelColumns = BroadcastProduct.Vectors * CpuKernels.Width;

    /// <summary>Rows of a panel: with its columns 64 KiB, which stay in the second-level cache.</summary>
    private const int PanelRows = 256;

    /// <summary>Rows of X for which a panel is laid out: whole tiles.</summary>
    private const int BlockRows = 40 * BroadcastProduct.Rows;

    /// <summary>Computes X W.</summary>
    /// <param name="x">[rows, length], in any layout; best where numbers of a row or of a column stand side by side.</param>
    /// <param name="w">[length, columns], likewise.</param>
    /// <param name="y">[rows, columns], likewise.</param>
    /// <param name="adds">Whether the product is added to what is in <paramref name="y"/>.</param>
    /// <param name="scale">Factor on the product.</param>
    /// <param name="dropsY">Bytes [rows, columns]: where one is set, the product counts as zero. Null for none.</param>
    /// <param name="dropsW">
    /// Bytes [length, columns]: where one is set, the number of <paramref name="w"/> counts as zero. Null for none.
    /// </param>
    public static void Run(
        MatrixView x,
        MatrixView w,
        MatrixView y,
        bool adds,
        float scale = 1,
        Tensor? dropsY = null,
        Tensor? dropsW = null
    )
    {
        if (x.Columns != w.Rows || y.Rows != x.Rows || y.Columns != w.Columns)
        {
            throw new ArgumentException($"[{x.Rows}, {x.Columns}] times [{w.Rows}, {w.Columns}] is not [{y.Rows}, {y.Columns}].");
        }

        byte* flagsY = dropsY is null ? null : TensorMemory.Bytes(dropsY),
            flagsW = dropsW is null ? null : TensorMemory.Bytes(dropsW);

        // Blocks of about the same size, none larger than wanted.
        var blocks = Math.Max(1, (x.Rows + BlockRows - 1) / BlockRows);
        var block = ((x.Rows + blocks - 1) / blocks + BroadcastProduct.Rows - 1) / BroadcastProduct.Rows * BroadcastProduct.Rows;
        blocks = (x.Rows + block - 1) / Math.Max(1, block);
        var panels = (w.Columns + PanelColumns - 1) / PanelColumns;
        ComputeTeam.Run(blocks * panels, piece =>
        {
            int row = piece % blocks * block,
                column = piece / blocks * PanelColumns;
            new Piece(
                x.RowRange(row, Math.Min(block, x.Rows - row)),
                w.ColumnRange(column, Math.Min(PanelColumns, w.Columns - column)),
                y.RowRange(row, Math.Min(block, x.Rows - row)).ColumnRange(column, Math.Min(PanelColumns, w.Columns - column)),
                adds,
                scale,
                flagsY is null ? null : flagsY + ((long)row * y.Columns) + column,
                y.Columns,
                flagsW is null ? null : flagsW + column,
                w.Columns
            ).Run();
        });
        GC.KeepAlive(dropsY);
        GC.KeepAlive(dropsW);
    }

    /// <summary>Some rows of X, and the columns of a panel.</summary>
    private readonly ref struct Piece(
        MatrixView x,
        MatrixView w,
        MatrixView y,
        bool adds,
        float scale,
        byte* dropsY,
        nint dropsYStep,
        byte* dropsW,
        nint dropsWStep
    )
    {
        private readonly int vectors = (w.Columns + CpuKernels.Width - 1) / CpuKernels.Width;

        public void Run()
        {
            var panel = Workspace.Take((PanelRows + x.Rows) * (long)PanelColumns);

            // Sums of whole vectors that only have to be added are formed where they belong, others beside it.
            var direct = dropsY is null && scale == 1 && y.ColumnStep == 1 && y.Columns % CpuKernels.Width == 0;
            var sums = direct ? y.At : panel + (PanelRows * PanelColumns);
            var step = direct ? y.RowStep : PanelColumns;
            for (var from = 0; from < w.Rows; from += PanelRows)
            {
                var length = Math.Min(PanelRows, w.Rows - from);
                LayOut(from, length, panel);
                for (var row = 0; row < x.Rows; row += BroadcastProduct.Rows)
                {
                    BroadcastProduct.Run(
                        x.At + (row * x.RowStep) + (from * x.ColumnStep),
                        x.RowStep,
                        x.ColumnStep,
                        Math.Min(BroadcastProduct.Rows, x.Rows - row),
                        panel,
                        PanelColumns,
                        CpuKernels.Width,
                        vectors,
                        length,
                        sums + (row * step),
                        step,
                        continues: from > 0 || (direct && adds)
                    );
                }
            }

            for (var row = 0; row < x.Rows && !direct; row++)
            {
                Put(row, sums + (row * step));
            }
        }

        /// <summary>Writes a stretch of W's rows row by row, each in whole vectors: zeros stand where W ends.</summary>
        [MethodImpl(MethodImplOptions.NoInlining)]
        private void LayOut(int from, int length, float* panel)
        {
            if (w.ColumnStep != 1)
            {
                LayOutTransposed(from, length, panel);
                return;
            }

            var whole = w.Columns == PanelColumns && dropsW is null;
            for (var i = 0; i < length; i++, panel += PanelColumns)
            {
                var line = w.At + ((from + i) * w.RowStep);
                if (whole)
                {
                    Vector512.Load(line).Store(panel);
                    Vector512.Load(line + CpuKernels.Width).Store(panel + CpuKernels.Width);
                    Vector512.Load(line + (2 * CpuKernels.Width)).Store(panel + (2 * CpuKernels.Width));
                    Vector512.Load(line + (3 * CpuKernels.Width)).Store(panel + (3 * CpuKernels.Width));
                    continue;
                }

                var dropped = dropsW is null ? null : dropsW + ((from + i) * dropsWStep);
                for (var at = 0; at < w.Columns; at += CpuKernels.Width)
                {
                    var number = CpuKernels.Load(line + at, w.Columns - at);
                    (dropped is null ? number : number & RowKernels.Kept(dropped + at, w.Columns - at)).Store(panel + at);
                }
            }
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private void LayOutTransposed(int from, int length, float* panel)
        {
            for (var column = 0; column < vectors * CpuKernels.Width; column++)
            {
                var line = w.At + (from * w.RowStep) + (column * w.ColumnStep);
                for (var i = 0; i < length; i++)
                {
                    panel[(i * PanelColumns) + column] =
                        column >= w.Columns || (dropsW is not null && dropsW[((from + i) * dropsWStep) + column] != 0)
                            ? 0
                            : line[i * w.RowStep];
                }
            }
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private void Put(int row, float* sums)
        {
            var to = y.At + (row * y.RowStep);
            var dropped = dropsY is null ? null : dropsY + (row * dropsYStep);
            if (y.ColumnStep != 1)
            {
                for (var i = 0; i < y.Columns; i++)
                {
                    var sum = dropped is not null && dropped[i] != 0 ? 0 : sums[i] * scale;
                    to[i * y.ColumnStep] = adds ? to[i * y.ColumnStep] + sum : sum;
                }

                return;
            }

            var factor = Vector512.Create(scale);
            for (var at = 0; at < y.Columns; at += CpuKernels.Width)
            {
                var sum = Vector512.Load(sums + at) * factor;
                if (dropped is not null)
                {
                    sum &= RowKernels.Kept(dropped + at, y.Columns - at);
                }

                CpuKernels.Store(adds ? CpuKernels.Load(to + at, y.Columns - at) + sum : sum, to + at, y.Columns - at);
            }
        }
    }
}
