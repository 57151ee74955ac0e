using System.IO.MemoryMappedFiles;
using CoIN.Models.Imaging;
using CoIN.Speed.Workloads;

namespace CoIN.Speed.Sides;

/// <summary>
/// Pictures of a workload; an image path is the number of the picture. The file is mapped, as the peer maps it, and each picture copied
/// out.
/// </summary>
internal static class PixelFile
{
    public static ImageLoader Open(Workload workload, string folder)
    {
        var picture = 3 * workload.ImageSize * workload.ImageSize;
        var file = MemoryMappedFile.CreateFromFile(Workload.PixelsOf(folder), FileMode.Open, mapName: null, 0, MemoryMappedFileAccess.Read);
        var view = file.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        return new ImageLoader("", workload.ImageSize, path =>
        {
            var pixels = new float[picture];
            view.ReadArray((long)int.Parse(path) * picture * sizeof(float), pixels, 0, picture);
            return pixels;
        });
    }
}
