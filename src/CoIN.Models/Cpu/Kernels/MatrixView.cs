using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Cpu.Kernels;

/// <summary>float32 numbers in memory as a matrix, or as a part of one, or transposed. Whoever makes it keeps the memory alive.</summary>
/// <param name="at">The first row's first number.</param>
/// <param name="rows">Rows.</param>
/// <param name="columns">Columns.</param>
/// <param name="rowStep">From one row to the next, in numbers.</param>
/// <param name="columnStep">From one column to the next.</param>
internal readonly unsafe struct MatrixView(float* at, int rows, int columns, nint rowStep, nint columnStep = 1)
{
    public float* At => at;

    public int Rows => rows;

    public int Columns => columns;

    public nint RowStep => rowStep;

    public nint ColumnStep => columnStep;

    /// <summary>The same numbers, rows and columns exchanged.</summary>
    public MatrixView Transposed => new(at, columns, rows, columnStep, rowStep);

    /// <summary>A tensor's rows: what stands side by side in its last dimension.</summary>
    /// <param name="tensor">float32, contiguous, in main memory; [C] counts as one row.</param>
    public static MatrixView Of(Tensor tensor)
    {
        var columns = (int)tensor.size(-1);
        return new MatrixView(TensorMemory.Address(tensor), columns == 0 ? 0 : (int)(tensor.numel() / columns), columns, columns);
    }

    /// <summary>Some columns that follow one another.</summary>
    public MatrixView ColumnRange(int from, int count) => new(at + (from * columnStep), rows, count, rowStep, columnStep);

    /// <summary>Some rows that follow one another.</summary>
    public MatrixView RowRange(int from, int count) => new(at + (from * rowStep), count, columns, rowStep, columnStep);
}
