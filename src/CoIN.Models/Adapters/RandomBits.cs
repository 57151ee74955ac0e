using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace CoIN.Models.Adapters;

/// <summary>
/// Random decisions in bulk, sixteen bits each: SplitMix64 (Steele, Lea and Flood 2014) on a counter, several numbers at a time. The same
/// on every processor, and far faster than drawing a float for each and comparing it.
/// </summary>
internal static class RandomBits
{
    private const ulong Golden = 0x9E3779B97F4A7C15;

    /// <summary>Bytes that are drawn together.</summary>
    public const int Block = 32;

    /// <summary>Writes 1 with probability <paramref name="threshold"/> / 65,536 into each byte, else 0.</summary>
    /// <param name="flags">Some bytes of the seed's sequence.</param>
    /// <param name="from">The first one's place in the sequence, a multiple of <see cref="Block"/>.</param>
    public static void Below(Span<byte> flags, long seed, ushort threshold, long from = 0)
    {
        // Four bytes come of each number, and numbers of a counter.
        var limit = Vector256.Create(threshold);
        var counter = Vector256.Create(unchecked((ulong)seed + ((ulong)from / 4 * Golden))) + (Vector256.Create(1UL, 2, 3, 4) * Golden);
        var stride = Vector256.Create(unchecked(4 * Golden));
        Span<byte> block = stackalloc byte[Block];
        for (var at = 0; at < flags.Length; at += block.Length)
        {
            var first = Vector256.LessThan(Mix(counter).AsUInt16(), limit);
            counter += stride;
            var second = Vector256.LessThan(Mix(counter).AsUInt16(), limit);
            counter += stride;
            var ones = Vector256.Narrow(first, second) & Vector256<byte>.One;
            if (at + block.Length <= flags.Length)
            {
                ones.StoreUnsafe(ref MemoryMarshal.GetReference(flags), (nuint)at);
            }
            else
            {
                ones.CopyTo(block);
                block[..(flags.Length - at)].CopyTo(flags[at..]);
            }
        }
    }

    private static Vector256<ulong> Mix(Vector256<ulong> z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
