using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace CoIN.Models.Torch;

/// <summary>
/// How the C library keeps memory that tensors have left. As it comes, glibc gives every block of 32 MiB or more back to the kernel at
/// once, and what other threads than the first free goes the same way: a model whose layers make such blocks hundreds of times a step then
/// spends half of a matrix product's time on page faults. Here freed memory stays with the process and is used again, until
/// <see cref="GiveBack"/>.
/// </summary>
internal static partial class HeapPolicy
{
    public const string Tcmalloc = "tcmalloc",
        Malloc = "malloc";

    private static readonly Lazy<string> Preloaded = new(() =>
    {
        var loaded = OperatingSystem.IsLinux()
            ? File.ReadLines("/proc/self/maps")
                .Where(line => line.Contains('/'))
                .Select(line => Path.GetFileName(line[(line.LastIndexOf('/') + 1)..]))
                .Distinct()
                .ToList()
            : [];
        return new[] { Tcmalloc, "jemalloc", "mimalloc" }.FirstOrDefault(name =>
            loaded.Any(file => file.StartsWith($"lib{name}", StringComparison.Ordinal))
        ) ?? Malloc;
    });

    /// <summary>Bytes of a large page.</summary>
    private const nint LargePage = 2 << 20;

    // MADV_HUGEPAGE of madvise(2).
    private const int HugePages = 14;

    // Parameters of mallopt(3).
    private const int TrimThreshold = -1;
    private const int MmapThreshold = -3;
    private const int ArenaMax = -8;

    /// <summary>
    /// Who gives this process its memory: <c>tcmalloc</c>, <c>jemalloc</c>, <c>mimalloc</c>, or the C library, which is <c>malloc</c>.
    /// </summary>
    public static string Allocator() => Preloaded.Value;

    /// <summary>Sets the policy, unless the environment has one of its own.</summary>
    /// <returns>Whether it was set.</returns>
    public static bool Apply(IEnumerable<string> variables)
    {
        if (
            !OperatingSystem.IsLinux()
            || variables.Any(name => name.StartsWith("MALLOC_", StringComparison.Ordinal) || name == "GLIBC_TUNABLES")
        )
        {
            return false;
        }

        try
        {
            return (Set(ArenaMax, 1) & Set(MmapThreshold, int.MaxValue) & Set(TrimThreshold, int.MaxValue)) == 1;
        }
        catch (Exception e) when (e is EntryPointNotFoundException or DllNotFoundException)
        {
            // Another C library: musl.
            return false;
        }
    }

    /// <summary>
    /// Asks the kernel for large pages where a tensor lies that is to stay: a model of 14 GB has millions of small ones, and getting each
    /// takes its time. Kernels that give large pages to all who want them, or to nobody, do as before. Tensors that come and go are left
    /// alone: asking each time costs more than it brings.
    /// </summary>
    /// <param name="tensor">On the CPU, contiguous, not yet written to.</param>
    public static unsafe void AskForLargePages(Tensor tensor)
    {
        var bytes = tensor.numel() * tensor.element_size();
        if (!OperatingSystem.IsLinux() || bytes < 2 * LargePage)
        {
            return;
        }

        // The first number's place is enough; a span over all may be longer than spans can be.
        using var first = tensor.view(-1).narrow(0, 0, 1);
        fixed (byte* start = first.bytes)
        {
            var begin = ((nint)start + LargePage - 1) / LargePage * LargePage;
            var end = (nint)((long)start + bytes) / LargePage * LargePage;
            try
            {
                // It is advice: whether it is taken makes no difference to anything but time.
                _ = Advise(begin, (nuint)(end - begin), HugePages);
            }
            catch (Exception e) when (e is EntryPointNotFoundException or DllNotFoundException)
            {
                // Another C library: musl.
            }
        }
    }

    /// <summary>
    /// Gives free memory back to the kernel: for the end of work that took much, so that it does not stay with an idle process.
    /// </summary>
    public static unsafe void GiveBack()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        if (Allocator() == Tcmalloc)
        {
            if (NativeLibrary.TryGetExport(NativeLibrary.GetMainProgramHandle(), "MallocExtension_ReleaseFreeMemory", out var release))
            {
                ((delegate* unmanaged<void>)release)();
            }

            return;
        }

        try
        {
            _ = Trim(0);
        }
        catch (Exception e) when (e is EntryPointNotFoundException or DllNotFoundException)
        {
            // Another C library: musl.
        }
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nint start, nuint length, int advice);

    [LibraryImport("libc", EntryPoint = "mallopt")]
    private static partial int Set(int parameter, int value);

    [LibraryImport("libc", EntryPoint = "malloc_trim")]
    private static partial int Trim(nuint pad);
}
