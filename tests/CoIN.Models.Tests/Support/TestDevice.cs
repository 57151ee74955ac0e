using CoIN.Models.Cpu.Kernels;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Support;

/// <summary>
/// Where the parity tests compute models: the CPU, or the device that COIN_TEST_DEVICE names. References stay on the CPU, and so does what
/// is compared; the tolerances are the same everywhere, for what they allow is the rounding of float32 in another order of the same sums.
/// TF32 would be outside of them: no device may use it.
/// </summary>
internal static class TestDevice
{
    public const string Variable = "COIN_TEST_DEVICE";

    public static Device Device { get; } =
        TorchNames.Device(Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } name ? name : "cpu");

    public static bool IsCpu => Device.type == DeviceType.CPU;

    /// <summary>Inputs of a model, where it is.</summary>
    public static Tensor There(this Tensor tensor) => tensor.to(Device);

    /// <summary>Skips a test of the CPU's own kernels where there are none.</summary>
    public static void SkipWithoutKernels(bool kernels)
    {
        Assert.SkipUnless(!kernels || IsCpu, $"The CPU's own kernels do not compute on {Device}.");
        Assert.SkipUnless(!kernels || CpuKernels.Available, "The processor has no AVX-512.");
    }
}
