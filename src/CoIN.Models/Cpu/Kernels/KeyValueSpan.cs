using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Cpu.Kernels;

/// <summary>
/// Keys and values of a stretch of positions, of all layers, behind those of the stretch before. Sequences that begin alike share the
/// stretches of their beginning; a sequence that grows beyond its last one goes on in another.
/// </summary>
internal sealed unsafe class KeyValueSpan : IDisposable
{
    private readonly Tensor[] memory;
    private readonly float*[] keys;
    private readonly float*[] values;
    private readonly int keySize;
    private readonly int valueSize;
    private int users = 1;

    /// <param name="layers">Layers.</param>
    /// <param name="heads">Key/value heads.</param>
    /// <param name="size">Numbers of a head.</param>
    /// <param name="positions">Positions that it has to hold at least.</param>
    /// <param name="before">The stretch that it follows, which is kept as long as this one is.</param>
    public KeyValueSpan(int layers, int heads, int size, int positions, KeyValueSpan? before)
    {
        Before = before?.Share();
        Start = before is null ? 0 : before.Start + before.Length;
        Capacity = (positions + CpuKernels.Width - 1) / CpuKernels.Width * CpuKernels.Width;
        ValueStride = (size + CpuKernels.Width - 1) / CpuKernels.Width * CpuKernels.Width;
        keySize = Capacity * size;
        valueSize = Capacity * ValueStride;
        memory = new Tensor[layers];
        keys = new float*[layers];
        values = new float*[layers];
        for (var layer = 0; layer < layers; layer++)
        {
            memory[layer] = empty([heads, keySize + valueSize], ScalarType.Float32).DetachFromDisposeScope();
            keys[layer] = TensorMemory.Address(memory[layer]);
            values[layer] = keys[layer] + ((long)heads * keySize);
        }
    }

    public KeyValueSpan? Before { get; }

    /// <summary>The sequence's position that is its first.</summary>
    public int Start { get; }

    /// <summary>Row of the table of rotations at which the sequence's first position is.</summary>
    public int Rotations { get; init; }

    /// <summary>Positions that are there.</summary>
    public int Length { get; private set; }

    /// <summary>Positions that there is room for: whole vectors.</summary>
    public int Capacity { get; }

    /// <summary>From one position's values to the next's: a head's size in whole vectors.</summary>
    public int ValueStride { get; }

    public bool IsFull => Length == Capacity;

    /// <summary>
    /// A head's keys, in groups of <see cref="CpuKernels.Width"/> positions: [groups, size, positions of the group]. What lies behind <see
    /// cref="Length"/> is arbitrary.
    /// </summary>
    public float* Keys(int layer, int head) => keys[layer] + ((long)head * keySize);

    /// <summary>A head's values: [positions, <see cref="ValueStride"/>]. What lies behind <see cref="Length"/> is arbitrary.</summary>
    public float* Values(int layer, int head) => values[layer] + ((long)head * valueSize);

    /// <summary>Makes positions part of it; their keys and values are written layer by layer afterwards.</summary>
    /// <returns>The first one's place.</returns>
    public int Extend(int positions)
    {
        if (Length + positions > Capacity)
        {
            throw new InvalidOperationException($"{Length} and {positions} positions do not fit into {Capacity}.");
        }

        Length += positions;
        return Length - positions;
    }

    /// <summary>Another user, who disposes of it in turn.</summary>
    public KeyValueSpan Share()
    {
        users++;
        return this;
    }

    public void Dispose()
    {
        if (--users > 0)
        {
            return;
        }

        foreach (var tensor in memory)
        {
            tensor.Dispose();
        }

        Before?.Dispose();
    }
}
