using CoIN.Benchmark;
using SkiaSharp;

namespace CoIN.Cli.Commands;

/// <summary>Pictures for a page: small enough to be sent about, and within the page itself.</summary>
internal static class StudyImage
{
    private const int LongestSide = 640;
    private const int Quality = 85;

    /// <summary>A picture as a data URI, scaled down where it is larger than a page needs.</summary>
    /// <exception cref="CoinException">The file is missing or no picture.</exception>
    public static string DataUri(string path)
    {
        try
        {
            using var bitmap = SKBitmap.Decode(path);
            if (bitmap is null)
            {
                throw new CoinException(
                    $"The image {path} {(File.Exists(path) ? "cannot be read as a picture" : "does not exist")}. Put it there, or correct data.images."
                );
            }

            var scale = (double)LongestSide / Math.Max(bitmap.Width, bitmap.Height);
            using var small =
                scale < 1
                    ? bitmap.Resize(
                        new SKImageInfo(Math.Max(1, (int)(bitmap.Width * scale)), Math.Max(1, (int)(bitmap.Height * scale))),
                        SKFilterQuality.High
                    )
                    : null;

            // Drawings stay sharp; photographs stay small.
            var drawing = bitmap.Width * bitmap.Height <= 128 * 128;
            using var data = (small ?? bitmap).Encode(drawing ? SKEncodedImageFormat.Png : SKEncodedImageFormat.Jpeg, Quality);
            return $"data:image/{(drawing ? "png" : "jpeg")};base64,{Convert.ToBase64String(data.AsSpan())}";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CoinException($"Cannot read the image {path}: {e.Message}", e);
        }
    }
}
