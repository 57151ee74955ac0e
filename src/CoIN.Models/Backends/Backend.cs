using CoIN.Models.Computing;
using CoIN.Models.Cpu;
using CoIN.Models.Cpu.Kernels;
using CoIN.Models.Libtorch;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Backends;

/// <summary>Decides what computes a model: a new backend is one line here.</summary>
internal static class Backend
{
    private static readonly IBackend Libtorch = new LibtorchBackend(
        graph: Environment.GetEnvironmentVariable(LibtorchBackend.Variable) == "graph"
    );
    private static readonly IBackend Cpu = new CpuBackend();

    /// <summary>The backend of a model: the CPU's own kernels where they serve, otherwise libtorch.</summary>
    public static IBackend For(ScalarType dtype, DeviceType device) => CpuKernels.Serve(dtype, device) ? Cpu : Libtorch;

    /// <inheritdoc cref="For(ScalarType, DeviceType)"/>
    public static IBackend For(ScalarType dtype, Device device) => For(dtype, device.type);
}
