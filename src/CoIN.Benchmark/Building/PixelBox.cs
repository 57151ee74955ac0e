using System.Globalization;
using CoIN.Benchmark.Data;

namespace CoIN.Benchmark.Building;

/// <summary>A COCO box in an image, in pixels; what lies outside of the image is cut off.</summary>
/// <param name="X">Left edge.</param>
/// <param name="Y">Upper edge.</param>
/// <param name="Width">Width of the box.</param>
/// <param name="Height">Height of the box.</param>
/// <param name="ImageWidth">Width of the image.</param>
/// <param name="ImageHeight">Height of the image.</param>
internal readonly record struct PixelBox(double X, double Y, double Width, double Height, int ImageWidth, int ImageHeight)
{
    /// <summary>Decimals of what a model learns to say, as in LLaVA's own training data.</summary>
    public const int LearnedDecimals = 2;

    /// <summary>Decimals of what answers are compared with: a small box must not be moved by rounding.</summary>
    public const int TruthDecimals = 4;

    private double Left => Math.Clamp(X, 0, ImageWidth);

    private double Top => Math.Clamp(Y, 0, ImageHeight);

    private double Right => Math.Clamp(X + Width, 0, ImageWidth);

    private double Bottom => Math.Clamp(Y + Height, 0, ImageHeight);

    /// <summary>Whether nothing of the box lies within the image.</summary>
    public bool IsEmpty => !(Right > Left && Bottom > Top);

    /// <summary>"[x1, y1, x2, y2]" in parts of width and height of the image as it is.</summary>
    public string Unpadded(int decimals) => Text(decimals, 0, 0, ImageWidth, ImageHeight);

    /// <summary>
    /// "[x1, y1, x2, y2]" in parts of the square into whose middle LLaVA pads the image; half a pixel of padding goes to the right or lower
    /// end.
    /// </summary>
    public string Padded(int decimals)
    {
        var side = Math.Max(ImageWidth, ImageHeight);
        return Text(decimals, (side - ImageWidth) / 2, (side - ImageHeight) / 2, side, side);
    }

    private string Text(int decimals, int shiftX, int shiftY, int width, int height)
    {
        double[] parts = [(Left + shiftX) / width, (Top + shiftY) / height, (Right + shiftX) / width, (Bottom + shiftY) / height];
        return $"[{string.Join(", ", parts.Select(part => part.ToString("F" + decimals.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture)))}]";
    }
}
