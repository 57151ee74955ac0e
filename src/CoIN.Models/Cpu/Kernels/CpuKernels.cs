using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Cpu.Kernels;

/// <summary>
/// Kernels of CoIN.Actors' own in float32, on processors with AVX-512: for passes without gradients, and for training's forward and
/// backward pass, whose gradients are written out instead of found by a graph. Everywhere else libtorch does the work.
/// <para>
/// They exist for two reasons. libtorch gives float32 products to MKL, which holds other makers' processors to AVX2 and is slow with the
/// few rows of a decoding step. And what a position's numbers come to must not depend on what else is computed with it: every kernel here
/// does the same operations in the same order for a row, however many rows there are and wherever in the batch it stands, so that answers
/// and features are the same bits in every batch.
/// </para>
/// </summary>
internal static unsafe class CpuKernels
{
    /// <summary>Numbers in a vector.</summary>
    public const int Width = 16;

    /// <summary>
    /// The environment variable that leaves everything to libtorch when it is <c>off</c>: to compare, or if something seems wrong.
    /// </summary>
    public const string Variable = "COIN_KERNELS";

    /// <summary>Whether the processor has what they need, and nobody has turned them off.</summary>
    public static bool Available { get; } =
        Vector512.IsHardwareAccelerated && Avx512F.IsSupported && Environment.GetEnvironmentVariable(Variable) != "off";

    /// <summary>Whether passes of a model are done here.</summary>
    public static bool Serve(ScalarType dtype, DeviceType device) => Available && dtype == ScalarType.Float32 && device == DeviceType.CPU;

    /// <summary>Whether a tensor's numbers can be read here and no gradient goes through it.</summary>
    public static bool Serve(Tensor tensor) =>
        Serve(tensor.dtype, tensor.device_type)
        && !(is_grad_enabled() && tensor.requires_grad)
        && tensor.numel() <= int.MaxValue / sizeof(float);

    /// <summary>A vector whose first lanes are set, for masked loads and stores.</summary>
    public static Vector512<float> First(int lanes) =>
        Vector512.LessThan(Vector512.CreateSequence(0, 1), Vector512.Create(lanes)).AsSingle();

    /// <summary>A vector of numbers, of which there may be fewer than it holds: zeros stand for the others.</summary>
    /// <param name="rest">Numbers that there are from here on, at least one.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(float* at, int rest) =>
        rest >= Width ? Vector512.Load(at) : Avx512F.MaskLoad(at, First(rest), default);

    /// <summary>Writes a vector's numbers, as many as there are.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<float> numbers, float* at, int rest)
    {
        if (rest >= Width)
        {
            numbers.Store(at);
        }
        else
        {
            Avx512F.MaskStore(at, First(rest), numbers);
        }
    }

    /// <summary>The sum of a vector's lanes, always in the same order: the framework promises none for its own.</summary>
    public static float Sum(Vector512<float> x)
    {
        var half = x.GetLower() + x.GetUpper();
        var quarter = half.GetLower() + half.GetUpper();
        return (quarter[0] + quarter[1]) + (quarter[2] + quarter[3]);
    }
}
