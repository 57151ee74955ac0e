using System.Runtime.InteropServices;
using CoIN.Models.Llava;
using CoIN.Speed.Workloads;

namespace CoIN.Speed.Sides;

/// <summary>Pictures of a workload; an image path is the number of the picture.</summary>
internal static class PixelFile
{
    public static ImageLoader Open(Workload workload, string folder)
    {
        var bytes = File.ReadAllBytes(Workload.PixelsOf(folder));
        var picture = 3 * workload.ImageSize * workload.ImageSize;
        return new ImageLoader("", workload.ImageSize, path =>
            MemoryMarshal.Cast<byte, float>(bytes).Slice(int.Parse(path) * picture, picture).ToArray());
    }
}
