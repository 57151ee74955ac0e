using System.Runtime.CompilerServices;

namespace CoIN.Models.Cpu.Kernels;

/// <summary>Memory in which a thread's kernel puts what it needs for a piece; the next piece uses it again.</summary>
internal static unsafe class Workspace
{
    /// <summary>Bytes that numbers are aligned to: a cache line, so that no vector lies across two.</summary>
    private const int Alignment = 64;

    [ThreadStatic]
    private static float[]? memory;

    /// <summary>Room for some numbers, which are arbitrary. It is the thread's only one: whoever asks again gets the same.</summary>
    public static float* Take(long numbers)
    {
        if (memory is null || memory.LongLength < numbers + (Alignment / sizeof(float)))
        {
            memory = null;
            memory = GC.AllocateUninitializedArray<float>(checked((int)(numbers + (Alignment / sizeof(float)))), pinned: true);
        }

        var first = (nuint)Unsafe.AsPointer(ref memory[0]);
        return (float*)((first + Alignment - 1) & ~(nuint)(Alignment - 1));
    }

    /// <summary>Numbers in whole vectors.</summary>
    public static int Whole(int numbers) => (numbers + CpuKernels.Width - 1) / CpuKernels.Width * CpuKernels.Width;
}
