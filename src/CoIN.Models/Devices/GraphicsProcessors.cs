using System.Runtime.InteropServices;
using System.Text;

namespace CoIN.Models.Devices;

/// <summary>A GPU as its driver sees it.</summary>
/// <param name="Index">The n of <c>cuda:n</c>, unless CUDA_VISIBLE_DEVICES renumbers.</param>
/// <param name="TotalBytes">Memory of the card.</param>
/// <param name="FreeBytes">Memory that no process holds.</param>
public sealed record GraphicsProcessor(int Index, string Name, long TotalBytes, long FreeBytes);

/// <summary>
/// The host's NVIDIA GPUs by their driver's management library (NVML), which is there wherever the driver is and needs no CUDA: so a card
/// can be told from a libtorch that cannot use it.
/// </summary>
public static class GraphicsProcessors
{
    private const string Library = "libnvidia-ml.so.1";
    private const int NameBytes = 96;

    private delegate int Plain();

    private delegate int CountOf(out uint count);

    private delegate int HandleOf(uint index, out nint device);

    private delegate int NameOf(nint device, byte[] name, uint length);

    private delegate int MemoryOf(nint device, out Memory memory);

    /// <summary>All GPUs; empty where there is no driver or no card.</summary>
    public static IReadOnlyList<GraphicsProcessor> List()
    {
        if (!NativeLibrary.TryLoad(Library, out var library))
        {
            return [];
        }

        try
        {
            return Find<Plain>(library, "nvmlInit_v2") is { } begin && begin() == 0 ? Read(library) : [];
        }
        finally
        {
            NativeLibrary.Free(library);
        }
    }

    private static List<GraphicsProcessor> Read(nint library)
    {
        var found = new List<GraphicsProcessor>();
        if (
            Find<CountOf>(library, "nvmlDeviceGetCount_v2") is { } countOf
            && Find<HandleOf>(library, "nvmlDeviceGetHandleByIndex_v2") is { } handleOf
            && Find<NameOf>(library, "nvmlDeviceGetName") is { } nameOf
            && Find<MemoryOf>(library, "nvmlDeviceGetMemoryInfo") is { } memoryOf
            && countOf(out var count) == 0
        )
        {
            for (uint i = 0; i < count; i++)
            {
                var name = new byte[NameBytes];
                if (handleOf(i, out var device) == 0 && nameOf(device, name, NameBytes) == 0 && memoryOf(device, out var memory) == 0)
                {
                    found.Add(
                        new GraphicsProcessor((int)i, Encoding.ASCII.GetString(name).TrimEnd('\0'), (long)memory.Total, (long)memory.Free)
                    );
                }
            }
        }

        Find<Plain>(library, "nvmlShutdown")?.Invoke();
        return found;
    }

    private static T? Find<T>(nint library, string name)
        where T : Delegate =>
        NativeLibrary.TryGetExport(library, name, out var address) ? Marshal.GetDelegateForFunctionPointer<T>(address) : null;

    [StructLayout(LayoutKind.Sequential)]
    private struct Memory
    {
        public ulong Total;
        public ulong Free;
        public ulong Used;
    }
}
