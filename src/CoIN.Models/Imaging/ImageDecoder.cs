using System.Runtime.InteropServices;
using CoIN.Benchmark;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Files;
using SkiaSharp;

namespace CoIN.Models.Imaging;

/// <summary>
/// Decodes pictures as Pillow's <c>convert("RGB")</c> gives them: transparency is dropped, not blended; grey becomes three equal channels;
/// no colour management and no turning by EXIF.
/// </summary>
internal static class ImageDecoder
{
    /// <summary>Decodes a file.</summary>
    /// <param name="warn">Receives a sentence about a file that is not as it should be and can be used all the same.</param>
    /// <exception cref="CoinException">It is missing, no picture, or cut short.</exception>
    public static RgbImage Decode(string path, Action<string>? warn = null)
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
            throw new CoinException($"cannot read the image {path}: {ReadFault.Why(path, e)}", e);
        }

        var (image, _, trouble) = Decode(bytes);
        if (image is null)
        {
            throw new CoinException($"the image {path} {trouble}. Restore it or remove its sample.");
        }

        if (trouble is not null)
        {
            warn?.Invoke($"The image {path} {trouble}. It is used; copy it again from its source to be sure.");
        }

        return image;
    }

    /// <summary>Pixels from left to right and from top to bottom, by a file's head alone.</summary>
    /// <exception cref="CoinException">The file is missing or no picture.</exception>
    public static (int Width, int Height) SizeOf(string path)
    {
        using (var codec = SKCodec.Create(path))
        {
            if (codec is not null)
            {
                return (codec.Info.Width, codec.Info.Height);
            }
        }

        // Says what is wrong with it.
        var image = Decode(path);
        return (image.Width, image.Height);
    }

    /// <summary>Decodes a file's bytes.</summary>
    /// <returns>
    /// The picture or null, and what is wrong with it, as a clause with "it" as its subject: with a picture, what does not keep it from
    /// being used.
    /// </returns>
    public static (RgbImage? Image, ImageState State, string? Trouble) Decode(byte[] bytes)
    {
        // Decoders fill what is missing at the very end of a JPEG, and say nothing.
        if (bytes is [0xFF, 0xD8, 0xFF, ..] and not [.., 0xFF, 0xD9] && !ImageHeader.Of(bytes).Ends)
        {
            return UnendedJpeg.Decode(bytes, ended => Pixels(ended).Image) is { } image
                ? (image, ImageState.Whole, UnendedJpeg.Trouble)
                : (null, ImageState.Truncated, $"is cut off after {bytes.Length} bytes: its JPEG end mark is missing");
        }

        return Pixels(bytes);
    }

    private static (RgbImage? Image, ImageState State, string? Trouble) Pixels(byte[] bytes)
    {
        if (bytes.Length == 0)
        {
            return (null, ImageState.Truncated, "is empty");
        }

        using var data = SKData.CreateCopy(bytes);
        using var codec = SKCodec.Create(data);
        if (codec is null)
        {
            return (null, ImageState.Corrupt, $"({bytes.Length} bytes) is not an image that can be read (PNG, JPEG, WebP, GIF, BMP)");
        }

        var info = new SKImageInfo(codec.Info.Width, codec.Info.Height, SKColorType.Rgba8888, SKAlphaType.Unpremul);
        if (info.BytesSize64 > Array.MaxLength)
        {
            return (null, ImageState.Corrupt, $"says that it has {info.Width} × {info.Height} pixels, more than can be decoded");
        }

        // Not the collector's: arrays as large as a picture's pixels would pile up until it comes.
        using var pixels = new PixelMemory(info.BytesSize);
        var rgba = pixels.Bytes;
        switch (codec.GetPixels(info, pixels.Address))
        {
            case SKCodecResult.Success:
                break;
            case SKCodecResult.IncompleteInput:
                return (null, ImageState.Truncated, $"is cut off after {bytes.Length} bytes");
            case var result:
                return (null, ImageState.Corrupt, $"is damaged ({result})");
        }

        var rgb = new byte[info.Width * info.Height * 3];
        var unpainted = GifBackground.Of(bytes);
        for (int from = 0, to = 0; from < rgba.Length; from += 4, to += 3)
        {
            (rgb[to], rgb[to + 1], rgb[to + 2]) =
                unpainted is { } colour && rgba[from + 3] == 0 ? colour : (rgba[from], rgba[from + 1], rgba[from + 2]);
        }

        return (new RgbImage(info.Width, info.Height, rgb), ImageState.Whole, null);
    }

    /// <summary>Memory outside the collector's, all zeros at first.</summary>
    private sealed unsafe class PixelMemory(int length) : IDisposable
    {
        private readonly void* start = NativeMemory.AllocZeroed((nuint)length);

        public nint Address => (nint)start;

        public ReadOnlySpan<byte> Bytes => new(start, length);

        public void Dispose() => NativeMemory.Free(start);
    }
}
