using System.Diagnostics;
using CoIN.Benchmark;
using CoIN.Models.Cpu.Kernels;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Devices;

/// <summary>The libtorch that this process works with.</summary>
/// <param name="Folder">Where it was loaded from.</param>
/// <param name="IsPackaged">Whether it came with the program, not from <c>COIN_LIBTORCH</c>.</param>
/// <param name="Version">Its version; null where nothing says it.</param>
/// <param name="CudaDevices">CUDA devices that it can use.</param>
/// <param name="Gigaflops">Speed of a float32 matrix product on the CPU, in 10⁹ operations a second.</param>
/// <param name="Threads">Threads of that product.</param>
/// <param name="OwnKernels">Whether float32 is computed by the program's own kernels for AVX-512, as that product was.</param>
/// <param name="Allocator">
/// Who gives tensors their memory: <c>tcmalloc</c> or another library that was loaded before all others, or the C library's <c>malloc</c>.
/// </param>
/// <param name="Trial">
/// What it was found to compute before it was loaded, where it is of another version than the program was built for.
/// </param>
public sealed record TorchStatus(
    string Folder,
    bool IsPackaged,
    string? Version,
    int CudaDevices,
    double Gigaflops,
    int Threads,
    bool OwnKernels,
    string Allocator,
    LibtorchTrialResult? Trial = null
)
{
    private const int Size = 1024;

    /// <summary>Loads libtorch, computes a little with it, and says how that went.</summary>
    /// <exception cref="CoinException">It cannot be loaded; the message says what to do.</exception>
    public static TorchStatus Read()
    {
        TorchLibrary.ThrowIfUnusable();
        try
        {
            var speed = ProductSpeed();
            return new TorchStatus(
                TorchLibrary.External ?? LoadedFrom() ?? AppContext.BaseDirectory,
                TorchLibrary.External is null,
                TorchLibrary.External is { } folder ? ExternalLibtorch.VersionOf(folder) : ExternalLibtorch.WantedVersion,
                cuda.is_available() ? cuda.device_count() : 0,
                speed,
                get_num_threads(),
                CpuKernels.Available,
                HeapPolicy.Allocator(),
                TorchLibrary.Trial
            );
        }
        catch (Exception e)
            when (e is not CoinException
                && e.GetBaseException()
                    is DllNotFoundException
                        or NotSupportedException
                        or BadImageFormatException
                        or EntryPointNotFoundException
            )
        {
            throw new CoinException(
                $"libtorch cannot be loaded: {e.GetBaseException().Message.Trim().Split('\n')[0]} Build without -p:TorchBackend=none, or set {ExternalLibtorch.Variable} to the lib folder of a "
                    + $"PyTorch {ExternalLibtorch.WantedVersion} installation.",
                e
            );
        }
    }

    private static double ProductSpeed()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Tensor a = rand(Size, Size),
            b = rand(Size, Size);
        MatrixProduct.Linear(a, b, null).Dispose();
        var clock = Stopwatch.StartNew();
        const int Times = 5;
        for (var i = 0; i < Times; i++)
        {
            MatrixProduct.Linear(a, b, null).Dispose();
        }

        return 2.0 * Size * Size * Size * Times / clock.Elapsed.TotalSeconds / 1e9;
    }

    private static string? LoadedFrom() =>
        !OperatingSystem.IsLinux()
            ? null
            : File.ReadLines("/proc/self/maps")
                .Select(line => line[(line.LastIndexOf(' ') + 1)..])
                .Where(path => Path.GetFileName(path) == "libtorch_cpu.so")
                .Select(Path.GetDirectoryName)
                .FirstOrDefault();
}
