using SkiaSharp;

namespace CoIN.Models.Boards;

/// <summary>
/// An accuracy matrix as a picture: a square per cell, the darker the higher its number; cells that do not exist or are not known are
/// white.
/// </summary>
public static class MatrixPicture
{
    private const int Side = 28;

    /// <param name="rows">Percent; null where there is no number. No row has more than <paramref name="columns"/>.</param>
    /// <returns>A PNG file with its size in pixels.</returns>
    public static (byte[] Png, int Width, int Height) Draw(IReadOnlyList<IReadOnlyList<double?>> rows, int columns)
    {
        var (width, height) = (Math.Max(1, columns * Side), Math.Max(1, rows.Count * Side));
        using var bitmap = new SKBitmap(width, height, SKColorType.Rgba8888, SKAlphaType.Opaque);
        using var canvas = new SKCanvas(bitmap);
        canvas.Clear(SKColors.White);
        for (var row = 0; row < rows.Count; row++)
        {
            for (var column = 0; column < rows[row].Count; column++)
            {
                if (rows[row][column] is { } percent)
                {
                    using var paint = new SKPaint { Color = Shade(Math.Clamp(percent / 100, 0, 1)) };
                    canvas.DrawRect((column * Side) + 1, (row * Side) + 1, Side - 2, Side - 2, paint);
                }
            }
        }

        canvas.Flush();
        using var encoded = bitmap.Encode(SKEncodedImageFormat.Png, quality: 100);
        return (encoded.ToArray(), width, height);
    }

    /// <summary>The colours of the reports' heat maps, from nearly white to blue.</summary>
    private static SKColor Shade(double part)
    {
        var strength = 0.05 + (0.95 * part);
        byte Mix(int colour) => (byte)Math.Round((strength * colour) + ((1 - strength) * 255));
        return new SKColor(Mix(74), Mix(144), Mix(204));
    }
}
