using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CoIN.Models.Checkpoints;

/// <summary>How weights are held in four bits (QLoRA, Dettmers et al. 2023), with bitsandbytes' options.</summary>
/// <param name="BlockSize">Numbers that share a scale, the largest magnitude among them.</param>
/// <param name="DoubleQuantization">Whether the scales are held in eight bits themselves.</param>
internal sealed record Nf4Settings(int BlockSize = 64, bool DoubleQuantization = true);

/// <summary>
/// The data type NormalFloat with four bits: 16 numbers in [-1, 1] that divide a normal distribution into equal parts (QLoRA, appendix E).
/// A block's numbers are divided by the largest magnitude among them, and each becomes the nearest of the 16. Everything is computed as
/// bitsandbytes' GPU kernels do it, in float32.
/// </summary>
internal static unsafe class Nf4
{
    private static readonly float[] Table =
    [
        -1.0f,
        -0.6961928009986877f,
        -0.5250730514526367f,
        -0.39491748809814453f,
        -0.28444138169288635f,
        -0.18477343022823334f,
        -0.09105003625154495f,
        0.0f,
        0.07958029955625534f,
        0.16093020141124725f,
        0.24611230194568634f,
        0.33791524171829224f,
        0.44070982933044434f,
        0.5626170039176941f,
        0.7229568362236023f,
        1.0f,
    ];

    /// <summary>A number is the code of how many of these it exceeds: bitsandbytes' midpoints, as it writes them down.</summary>
    private static readonly float[] Borders =
    [
        -0.8480964004993439f,
        -0.6106329262256622f,
        -0.4599952697753906f,
        -0.33967943489551544f,
        -0.23460740596055984f,
        -0.13791173323988914f,
        -0.045525018125772476f,
        0.03979014977812767f,
        0.1202552504837513f,
        0.2035212516784668f,
        0.2920137718319893f,
        0.3893125355243683f,
        0.5016634166240692f,
        0.6427869200706482f,
        0.8614784181118011f,
    ];

    private static readonly Vector<float>[] WideBorders = [.. Borders.Select(border => new Vector<float>(border))];

    /// <summary>The 16 numbers.</summary>
    public static ReadOnlySpan<float> Numbers => Table;

    /// <summary>Quantizes one block.</summary>
    /// <param name="numbers">The block.</param>
    /// <param name="codes">Room for as many bytes.</param>
    /// <param name="packed">Receives two codes a byte, the first one in the upper half.</param>
    /// <returns>The largest magnitude, the block's scale.</returns>
    public static float Quantize(ReadOnlySpan<float> numbers, Span<byte> codes, Span<byte> packed)
    {
        var scale = Largest(numbers);

        // A block of zeros: 0 / 0 is no number, exceeds nothing, and so is code 0, which times the scale is zero again.
        var inverse = 1 / scale;
        var i = 0;
        for (; i + Vector<float>.Count <= numbers.Length; i += Vector<float>.Count)
        {
            var x = new Vector<float>(numbers[i..]) * inverse;
            var code = Vector<int>.Zero;
            foreach (var border in WideBorders)
            {
                code -= Vector.GreaterThan(x, border);
            }

            for (var lane = 0; lane < Vector<float>.Count; lane++)
            {
                codes[i + lane] = (byte)code[lane];
            }
        }

        for (; i < numbers.Length; i++)
        {
            codes[i] = Code(numbers[i] * inverse);
        }

        for (i = 0; i + 1 < numbers.Length; i += 2)
        {
            packed[i / 2] = (byte)((codes[i] << 4) | codes[i + 1]);
        }

        if (i < numbers.Length)
        {
            packed[i / 2] = (byte)((codes[i] << 4) | Code(0));
        }

        return scale;
    }

    /// <summary>Writes the numbers of codes.</summary>
    /// <param name="packed">The byte that holds the first number.</param>
    /// <param name="odd">Whether that number is in its lower half.</param>
    /// <param name="scale">The block's.</param>
    public static void Dequantize(byte* packed, bool odd, float scale, float* to, int count)
    {
        if (odd && count > 0)
        {
            *to++ = Table[*packed++ & 15] * scale;
            count--;
        }

        if (Avx512F.IsSupported)
        {
            fixed (float* table = Table)
            {
                var numbers = Vector512.Load(table);
                var scales = Vector512.Create(scale);
                for (; count >= 16; count -= 16, to += 16, packed += 8)
                {
                    var bytes = Vector128.CreateScalarUnsafe(*(ulong*)packed).AsByte();
                    var half = Vector128.Create((byte)15);
                    var (upper, lower) = ((bytes.AsUInt16() >> 4).AsByte() & half, bytes & half);
                    var codes = Avx512F.ConvertToVector512Int32(Sse2.UnpackLow(upper, lower));
                    (Avx512F.PermuteVar16x32(numbers, codes) * scales).Store(to);
                }
            }
        }

        for (; count > 1; count -= 2, to += 2, packed++)
        {
            to[0] = Table[*packed >> 4] * scale;
            to[1] = Table[*packed & 15] * scale;
        }

        if (count > 0)
        {
            *to = Table[*packed >> 4] * scale;
        }
    }

    private static byte Code(float x)
    {
        byte code = 0;
        foreach (var border in Borders)
        {
            code += x > border ? (byte)1 : (byte)0;
        }

        return code;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Largest(ReadOnlySpan<float> numbers)
    {
        var largest = Vector<float>.Zero;
        var i = 0;
        for (; i + Vector<float>.Count <= numbers.Length; i += Vector<float>.Count)
        {
            largest = Vector.Max(largest, Vector.Abs(new Vector<float>(numbers[i..])));
        }

        var result = 0f;
        for (var lane = 0; lane < Vector<float>.Count; lane++)
        {
            result = Math.Max(result, largest[lane]);
        }

        for (; i < numbers.Length; i++)
        {
            result = Math.Max(result, Math.Abs(numbers[i]));
        }

        return result;
    }
}
