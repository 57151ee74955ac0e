using CoIN.Benchmark.Checking;
using CoIN.Benchmark.Data;

namespace CoIN.Models.Imaging;

/// <summary>Inspects images with the decoder that a run uses.</summary>
public sealed class ImageInspector : IImageInspector
{
    private static readonly Dictionary<string, string[]> Readable = new(StringComparer.Ordinal)
    {
        ["JPEG"] = [".jpg", ".jpeg", ".jpe", ".jfif"],
        ["PNG"] = [".png", ".apng"],
        ["GIF"] = [".gif"],
        ["WebP"] = [".webp"],
        ["BMP"] = [".bmp", ".dib"],
    };

    /// <inheritdoc/>
    public ImageFacts Inspect(string path)
    {
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return ImageFacts.Missing;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return ImageFacts.Missing with { State = ImageState.Corrupt, Trouble = $"cannot be read: {e.Message.TrimEnd('.')}" };
        }

        var header = ImageHeader.Of(bytes);
        var (image, state, trouble) = ImageDecoder.Decode(bytes);
        if (state == ImageState.Corrupt && header.Format is { } format && !Readable.ContainsKey(format))
        {
            trouble = $"is a {format}, which cannot be read (PNG, JPEG, WebP, GIF, BMP)";
        }
        else if (state == ImageState.Corrupt && header.Format is null && IsMarkup(bytes))
        {
            trouble = "is a web page, not an image";
        }
        else if (!header.Ends && header.Format != "JPEG" && state != ImageState.Truncated)
        {
            // Some decoders call a cut file damaged.
            (state, trouble) = (ImageState.Truncated, $"is cut off after {bytes.Length} bytes: its {header.Format} end mark is missing");
        }

        return new ImageFacts(
            state,
            trouble,
            header.Format,
            header.Traits | (state == ImageState.Whole && trouble is not null ? ImageTraits.Unended : 0),
            image?.Width ?? 0,
            image?.Height ?? 0,
            Fingerprint.Of(bytes)
        );
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Extensions(string format) => Readable.GetValueOrDefault(format) ?? [];

    private static bool IsMarkup(ReadOnlySpan<byte> bytes) => bytes.TrimStart("\uFEFF \t\r\n"u8) is [(byte)'<', ..];
}
