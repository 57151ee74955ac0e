using CoIN.Benchmark;
using CoIN.Benchmark.Files;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace CoIN.Models.Imaging;

/// <summary>How a picture that is not square becomes one.</summary>
internal enum ImageMode
{
    /// <summary>Padded with the mean colour: LLaVA's training, and here its evaluation too.</summary>
    Pad,

    /// <summary>Scaled by its shorter edge, then cut to the middle: CLIP's own way.</summary>
    Crop,
}

/// <summary>CLIP's image processor with the settings of a <c>preprocessor_config.json</c>.</summary>
internal sealed class ClipImageProcessor
{
    // Pillow's number of the bicubic filter.
    private const int Bicubic = 3;

    private readonly byte[] padding;
    private readonly float[] table = new float[3 * 256];
    private readonly double rescale;
    private readonly IReadOnlyList<double> mean;
    private readonly IReadOnlyList<double> deviation;

    private ClipImageProcessor(int size, double rescale, IReadOnlyList<double> mean, IReadOnlyList<double> deviation)
    {
        Size = size;
        (this.rescale, this.mean, this.deviation) = (rescale, mean, deviation);
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

    /// <summary>Reads the settings.</summary>
    /// <exception cref="CoinException">The file is missing or broken, or asks for what is not supported.</exception>
    public static ClipImageProcessor Load(string path)
    {
        try
        {
            var json = JObject.Parse(Utf8Text.Read(path));
            var crop = Edge(json["crop_size"]) ?? Edge(json["size"]) ?? throw new CoinException($"{path} has neither crop_size nor size.");
            var size = Edge(json["size"]) ?? crop;
            if (size != crop || (int?)json["resample"] is { } filter && filter != Bicubic)
            {
                throw new CoinException($"{path}: only bicubic resampling (resample {Bicubic}) with equal size and crop_size, as LLaVA's CLIP has them, is supported.");
            }

            return new ClipImageProcessor(
                size, (double?)json["rescale_factor"] ?? (1 / 255.0),
                [.. json["image_mean"]!.Select(value => (double)value)], [.. json["image_std"]!.Select(value => (double)value)]);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or ArgumentException or NullReferenceException)
        {
            throw new CoinException($"Cannot read the image processor's settings {path}: {ReadFault.Why(path, e)}. Restore the file from the checkpoint's source.", e);
        }
    }

    /// <summary>Decodes and prepares a file.</summary>
    /// <returns>Normalized channels, rows and columns.</returns>
    public float[] Process(string path, ImageMode mode, Action<string>? warn = null) => Normalize(Resize(ImageDecoder.Decode(path, warn), mode));

    /// <summary>The picture at the processor's size.</summary>
    public RgbImage Resize(RgbImage image, ImageMode mode)
    {
        if (mode == ImageMode.Pad)
        {
            return BicubicResize.Apply(image.PadToSquare(padding[0], padding[1], padding[2]), Size, Size);
        }

        int shorter = Math.Min(image.Width, image.Height), longer = (int)(Size * (long)Math.Max(image.Width, image.Height) / shorter);
        var (width, height) = image.Width <= image.Height ? (Size, longer) : (longer, Size);
        return BicubicResize.Apply(image, width, height).Crop((width - Size) / 2, (height - Size) / 2, Size, Size);
    }

    /// <summary>Rescales, subtracts the mean, divides by the deviation: [3, size, size].</summary>
    public float[] Normalize(RgbImage image)
    {
        var area = image.Width * image.Height;
        var values = new float[3 * area];
        for (var i = 0; i < area; i++)
        {
            values[i] = table[image.Pixels[i * 3]];
            values[area + i] = table[256 + image.Pixels[(i * 3) + 1]];
            values[(2 * area) + i] = table[512 + image.Pixels[(i * 3) + 2]];
        }

        return values;
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

    private static int? Edge(JToken? token) => token switch
    {
        null => null,
        JObject sizes => (int?)(sizes["shortest_edge"] ?? sizes["height"]),
        _ => (int?)token,
    };
}
