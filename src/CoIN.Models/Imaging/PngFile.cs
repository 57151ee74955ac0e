using CoIN.Benchmark;
using CoIN.Benchmark.Files;
using SkiaSharp;

namespace CoIN.Models.Imaging;

/// <summary>Writes pictures as PNG files.</summary>
internal static class PngFile
{
    /// <summary>Writes a picture, replacing a file that is there.</summary>
    /// <exception cref="CoinException">The file cannot be written.</exception>
    public static void Write(string path, RgbImage image)
    {
        var rgba = new byte[image.Width * image.Height * 4];
        for (int from = 0, to = 0; from < image.Pixels.Length; from += 3, to += 4)
        {
            (rgba[to], rgba[to + 1], rgba[to + 2], rgba[to + 3]) = (
                image.Pixels[from],
                image.Pixels[from + 1],
                image.Pixels[from + 2],
                byte.MaxValue
            );
        }

        var info = new SKImageInfo(image.Width, image.Height, SKColorType.Rgba8888, SKAlphaType.Opaque);
        using var picture = SKImage.FromPixelCopy(info, rgba, info.RowBytes);
        using var png = picture.Encode(SKEncodedImageFormat.Png, quality: 100);
        Durable.Write(path, stream => png.SaveTo(stream));
    }
}
