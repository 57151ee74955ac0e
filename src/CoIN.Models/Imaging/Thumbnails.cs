using CoIN.Benchmark;
using CoIN.Benchmark.Reports.Examples;
using SkiaSharp;

namespace CoIN.Models.Imaging;

/// <summary>Small copies of pictures, to be embedded into reports.</summary>
internal static class Thumbnails
{
    /// <summary>Up to so many pixels a picture is kept without loss; photographs above it are smaller as JPEG.</summary>
    private const int Lossless = 128 * 128;

    private const int JpegQuality = 82;

    /// <summary>
    /// Decodes a picture, makes it smaller where its longer side exceeds the given number of pixels, and encodes it; the same file gives
    /// the same bytes.
    /// </summary>
    /// <returns>Null if the file is missing, no picture, or damaged.</returns>
    public static Thumbnail? Make(string path, int longestSide)
    {
        try
        {
            return Encode(Shrink(ImageDecoder.Decode(path), longestSide));
        }
        catch (Exception e)
            when (e
                    is CoinException
                        or IOException
                        or UnauthorizedAccessException
                        or ArgumentException
                        or OverflowException
                        or OutOfMemoryException
            )
        {
            return null;
        }
    }

    private static RgbImage Shrink(RgbImage image, int longestSide)
    {
        var longer = Math.Max(image.Width, image.Height);
        return longer <= longestSide
            ? image
            : BicubicResize.Apply(image, Scaled(image.Width, longestSide, longer), Scaled(image.Height, longestSide, longer));
    }

    private static int Scaled(int side, int longestSide, int longer) => Math.Max(1, (int)Math.Round(side * (double)longestSide / longer));

    private static Thumbnail? Encode(RgbImage image)
    {
        var info = new SKImageInfo(image.Width, image.Height, SKColorType.Rgba8888, SKAlphaType.Opaque);
        var rgba = new byte[info.BytesSize];
        for (int from = 0, to = 0; to < rgba.Length; from += 3, to += 4)
        {
            (rgba[to], rgba[to + 1], rgba[to + 2], rgba[to + 3]) = (
                image.Pixels[from],
                image.Pixels[from + 1],
                image.Pixels[from + 2],
                255
            );
        }

        using var picture = SKImage.FromPixelCopy(info, rgba, info.RowBytes);
        var lossless = image.Width * image.Height <= Lossless;
        using var data = picture.Encode(lossless ? SKEncodedImageFormat.Png : SKEncodedImageFormat.Jpeg, lossless ? 100 : JpegQuality);
        return data is null ? null : new Thumbnail(lossless ? "image/png" : "image/jpeg", data.ToArray(), image.Width, image.Height);
    }
}
