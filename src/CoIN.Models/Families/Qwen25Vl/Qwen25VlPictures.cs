using CoIN.Benchmark;
using CoIN.Models.Imaging;
using CoIN.Models.Modules;
using CoIN.Models.Settings;

namespace CoIN.Models.Families.Qwen25Vl;

/// <summary>
/// Pictures as Qwen2.5-VL gets them (transformers' <c>Qwen2VLImageProcessor</c> with Pillow): both sides become multiples of a merged
/// position's, the number of pixels stays within limits, and the proportions are kept as nearly as that allows.
/// </summary>
/// <param name="Factor">Pixels of the side of a merged position.</param>
/// <param name="Least">Fewest pixels of a picture.</param>
/// <param name="Most">Most pixels of a picture.</param>
internal sealed record Qwen25VlPictures(
    int Factor,
    long Least,
    long Most,
    double Rescale,
    IReadOnlyList<double> Mean,
    IReadOnlyList<double> Deviation
) : IPictureProcessor
{
    /// <summary>Longest side in units of the shorter one.</summary>
    private const int MostStretched = 200;

    private static readonly double[] ClipMean = [0.48145466, 0.4578275, 0.40821073],
        ClipDeviation = [0.26862954, 0.26130258, 0.27577711];

    private readonly float[][] levels =
    [
        .. Enumerable
            .Range(0, 3)
            .Select(channel =>
                Enumerable.Range(0, 256).Select(level => (float)(((level * Rescale) - Mean[channel]) / Deviation[channel])).ToArray()
            ),
    ];

    /// <inheritdoc/>
    public bool KeepsSize => true;

    /// <inheritdoc/>
    /// <remarks>Pictures have no common size.</remarks>
    public int Size => 0;

    /// <summary>Positions of the largest picture.</summary>
    public int MostPositions => (int)Math.Min(Most / ((long)Factor * Factor), int.MaxValue);

    /// <summary>Reads <c>preprocessor_config.json</c>, or since transformers 5 the part of <c>processor_config.json</c>.</summary>
    /// <param name="most">Most pixels of a picture; null for what the file says.</param>
    /// <exception cref="CoinException">The file is missing or broken, or asks for what is not supported.</exception>
    public static Qwen25VlPictures Read(string folder, GridVisionConfig vision, int? most)
    {
        var files = ImageSettings.FilesOf(folder);
        if (files.Count == 0)
        {
            throw new CoinException(
                $"{folder} says nothing of the image processor: no preprocessor_config.json, and no image_processor in processor_config.json. "
                    + "Download the file that the checkpoint's source has."
            );
        }

        return SettingsFile.Read(files[0], all => Of(all.Child("image_processor") ?? all, vision, most));
    }

    /// <inheritdoc/>
    /// <exception cref="CoinException">The picture is too narrow.</exception>
    public (int Rows, int Columns)? GridOf(int width, int height)
    {
        var (wide, high) = Resized(width, height);
        return (high / Factor, wide / Factor);
    }

    /// <summary>Width and height of what comes out.</summary>
    /// <exception cref="CoinException">The picture is too narrow.</exception>
    public (int Width, int Height) Resized(int width, int height)
    {
        if (Math.Max(width, height) > (long)MostStretched * Math.Min(width, height))
        {
            throw new CoinException(
                $"the image has {width} × {height} pixels; Qwen2.5-VL takes none whose longer side is more than {MostStretched} times the shorter. "
                    + "Cut it, or remove its sample."
            );
        }

        // Python's round: halves to the even neighbour.
        var pixels = (double)width * height;
        long wide = (long)Math.Round(width / (double)Factor, MidpointRounding.ToEven) * Factor;
        long high = (long)Math.Round(height / (double)Factor, MidpointRounding.ToEven) * Factor;
        if (wide * high > Most)
        {
            var by = Math.Sqrt(pixels / Most);
            wide = Math.Max(Factor, (long)Math.Floor(width / by / Factor) * Factor);
            high = Math.Max(Factor, (long)Math.Floor(height / by / Factor) * Factor);
        }
        else if (wide * high < Least)
        {
            var by = Math.Sqrt(Least / pixels);
            wide = (long)Math.Ceiling(width * by / Factor) * Factor;
            high = (long)Math.Ceiling(height * by / Factor) * Factor;
        }

        return ((int)wide, (int)high);
    }

    /// <inheritdoc/>
    public void Normalize(RgbImage resized, Span<float> values)
    {
        var area = resized.Width * resized.Height;
        for (var i = 0; i < area; i++)
        {
            for (var channel = 0; channel < 3; channel++)
            {
                values[(channel * area) + i] = levels[channel][resized.Pixels[(i * 3) + channel]];
            }
        }
    }

    /// <inheritdoc/>
    public RgbImage Seen(RgbImage image) => Resized(image);

    /// <inheritdoc/>
    public RgbImage Resized(RgbImage image)
    {
        var (width, height) = Resized(image.Width, image.Height);
        return BicubicResize.Apply(image, width, height);
    }

    private static Qwen25VlPictures Of(JsonSettings settings, GridVisionConfig vision, int? most)
    {
        settings.Harmless(
            "image_processor_type",
            "processor_class",
            "feature_extractor_type",
            "do_convert_rgb",
            "data_format",
            "input_data_format",
            "device",
            "disable_grouping",
            "return_tensors",
            "default_to_square",
            "_processor_class",
            "_valid_processor_keys"
        );
        settings.On("do_resize", "do_rescale", "do_normalize");
        settings.Number("resample", 3);
        settings.Number("patch_size", vision.PatchSize);
        settings.Number("merge_size", vision.Merge);
        settings.Number("temporal_patch_size", GridVisionConfig.Frames);
        var size = settings.Child("size");
        var least = settings.Int("min_pixels") ?? size?.Int("min_pixels") ?? size?.Int("shortest_edge") ?? 56 * 56;
        var limit = settings.Int("max_pixels") ?? size?.Int("max_pixels") ?? size?.Int("longest_edge") ?? 28 * 28 * 1280;
        size?.Harmless("min_pixels", "max_pixels", "shortest_edge", "longest_edge");
        size?.NoOtherKeys();
        var smallest = vision.MergedSize * vision.MergedSize;
        settings.Require(
            least > 0 && limit >= least && limit >= smallest,
            "max_pixels",
            $"{limit}",
            $"at least min_pixels, {least}, and {smallest}"
        );
        if (most is { } wanted && wanted < Math.Max(least, smallest))
        {
            settings.Fault(
                $"model.max-pixels is {wanted}; supported is at least {Math.Max(least, smallest)} (min_pixels, and one position)."
            );
        }

        var (mean, deviation) = (settings.Numbers("image_mean") ?? ClipMean, settings.Numbers("image_std") ?? ClipDeviation);
        if (mean.Count != 3 || deviation.Count != 3 || deviation.Contains(0))
        {
            settings.Fault("image_mean and image_std must have three numbers each, for red, green and blue, none of image_std 0.");
            (mean, deviation) = (ClipMean, ClipDeviation);
        }

        var rescale = settings.Double("rescale_factor") ?? (1 / 255.0);
        settings.NoOtherKeys();
        return new Qwen25VlPictures(vision.MergedSize, least, Math.Min(most ?? limit, limit), rescale, mean, deviation);
    }
}
