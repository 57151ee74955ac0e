using CoIN.Benchmark;
using SkiaSharp;

namespace CoIN.Models.Imaging;

/// <summary>
/// Decodes pictures as Pillow's <c>convert("RGB")</c> gives them: transparency is dropped, not blended; grey becomes three equal channels; no colour
/// management and no turning by EXIF.
/// </summary>
internal static class ImageDecoder
{
    /// <summary>Decodes a file.</summary>
    /// <exception cref="CoinException">It is missing, no picture, or cut short.</exception>
    public static RgbImage Decode(string path)
    {
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new CoinException($"there is no image {path}. Check data.images and the sample's image path.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CoinException($"cannot read the image {path}: {e.Message}", e);
        }

        using var data = SKData.CreateCopy(bytes);
        using var codec = SKCodec.Create(data)
            ?? throw new CoinException($"{path} ({bytes.Length} bytes) is not an image that can be read (PNG, JPEG, WebP, GIF, BMP). Restore it or remove its sample.");
        var info = new SKImageInfo(codec.Info.Width, codec.Info.Height, SKColorType.Rgba8888, SKAlphaType.Unpremul);
        var rgba = new byte[info.BytesSize];
        var result = Read(codec, info, rgba);
        if (result != SKCodecResult.Success)
        {
            throw new CoinException($"the image {path} is cut short or damaged ({result}). Restore it or remove its sample.");
        }

        var rgb = new byte[info.Width * info.Height * 3];
        for (int from = 0, to = 0; from < rgba.Length; from += 4, to += 3)
        {
            (rgb[to], rgb[to + 1], rgb[to + 2]) = (rgba[from], rgba[from + 1], rgba[from + 2]);
        }

        return new RgbImage(info.Width, info.Height, rgb);
    }

    private static unsafe SKCodecResult Read(SKCodec codec, SKImageInfo info, byte[] pixels)
    {
        fixed (byte* start = pixels)
        {
            return codec.GetPixels(info, (nint)start);
        }
    }
}
