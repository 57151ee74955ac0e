using CoIN.Benchmark;

namespace CoIN.Models.Imaging;

/// <summary>How a picture that is not square becomes one.</summary>
internal enum ImageMode
{
    /// <summary>Padded with the mean colour: LLaVA's training, and here its evaluation too.</summary>
    Pad,

    /// <summary>Scaled by its shorter edge, then cut to the middle: CLIP's own way.</summary>
    Crop,

    /// <summary>Scaled to the square, whatever its shape.</summary>
    Squash,
}

/// <summary>CLIP's image processor with the settings of a model.</summary>
internal sealed class ClipImageProcessor
{
    private readonly byte[] padding;
    private readonly float[] table = new float[3 * 256];
    private readonly double rescale;
    private readonly IReadOnlyList<double> mean;
    private readonly IReadOnlyList<double> deviation;

    public ClipImageProcessor(ImageSettings settings)
    {
        Size = settings.Size;
        (rescale, mean, deviation) = (settings.Rescale, settings.Mean, settings.Deviation);
        padding = [.. mean.Select(value => (byte)(value * 255))];
        for (var channel = 0; channel < 3; channel++)
        {
            for (var level = 0; level < 256; level++)
            {
                table[(channel * 256) + level] = (float)(((level * rescale) - mean[channel]) / deviation[channel]);
            }
        }
    }

    /// <summary>Rows and columns of what comes out.</summary>
    public int Size { get; }

    /// <summary>Reads the settings of a model's folder or of one file.</summary>
    /// <exception cref="CoinException">They are missing or broken, or ask for what is not supported.</exception>
    public static ClipImageProcessor Load(string path) => new(ImageSettings.Read(path));

    /// <summary>The picture at the processor's size.</summary>
    public RgbImage Resize(RgbImage image, ImageMode mode)
    {
        if (mode == ImageMode.Pad)
        {
            return BicubicResize.Apply(image.PadToSquare(padding[0], padding[1], padding[2]), Size, Size);
        }

        if (mode == ImageMode.Squash)
        {
            return BicubicResize.Apply(image, Size, Size);
        }

        int shorter = Math.Min(image.Width, image.Height),
            longer = (int)(Size * (long)Math.Max(image.Width, image.Height) / shorter);
        var (width, height) = image.Width <= image.Height ? (Size, longer) : (longer, Size);
        return BicubicResize.Apply(image, width, height).Crop((width - Size) / 2, (height - Size) / 2, Size, Size);
    }

    /// <summary>Rescales, subtracts the mean, divides by the deviation: [3, size, size].</summary>
    public float[] Normalize(RgbImage image)
    {
        var values = new float[3 * image.Width * image.Height];
        Normalize(image, values);
        return values;
    }

    /// <inheritdoc cref="Normalize(RgbImage)"/>
    /// <param name="values">Receives [3, size, size].</param>
    public void Normalize(RgbImage image, Span<float> values)
    {
        var area = image.Width * image.Height;
        for (var i = 0; i < area; i++)
        {
            values[i] = table[image.Pixels[i * 3]];
            values[area + i] = table[256 + image.Pixels[(i * 3) + 1]];
            values[(2 * area) + i] = table[512 + image.Pixels[(i * 3) + 2]];
        }
    }

    /// <summary>The colours of normalized values: the picture that <see cref="Normalize"/> was given.</summary>
    /// <param name="values">[3, size, size].</param>
    public RgbImage Restore(float[] values)
    {
        var area = Size * Size;
        var pixels = new byte[values.Length];
        for (var i = 0; i < values.Length; i++)
        {
            var channel = i / area;
            var level = Math.Round(((values[i] * deviation[channel]) + mean[channel]) / rescale);
            pixels[(i % area * 3) + channel] = (byte)Math.Clamp(level, byte.MinValue, byte.MaxValue);
        }

        return new RgbImage(Size, Size, pixels);
    }
}
