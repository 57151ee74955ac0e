using CoIN.Benchmark;
using CoIN.Models.Settings;
using Newtonsoft.Json.Linq;

namespace CoIN.Models.Imaging;

/// <summary>
/// What a model's files say of its image processor: <c>preprocessor_config.json</c>, or since transformers 5 a part of
/// <c>processor_config.json</c>.
/// </summary>
/// <param name="Size">Rows and columns of what comes out.</param>
internal sealed record ImageSettings(int Size, double Rescale, IReadOnlyList<double> Mean, IReadOnlyList<double> Deviation)
{
    private const string Own = "preprocessor_config.json";
    private const string Shared = "processor_config.json";
    private const string Part = "image_processor";

    // Pillow's number of the bicubic filter.
    private const int Bicubic = 3;

    /// <summary>CLIP's own, which its processor takes where a file gives none.</summary>
    private static readonly double[] ClipMean = [0.48145466, 0.4578275, 0.40821073],
        ClipDeviation = [0.26862954, 0.26130258, 0.27577711];

    /// <summary>The files of a folder that hold the settings.</summary>
    public static IReadOnlyList<string> FilesOf(string folder) =>
        [
            .. new[] { Path.Combine(folder, Own), Path.Combine(folder, Shared) }.Where(path =>
                File.Exists(path) && (Path.GetFileName(path) == Own || HasPart(path))
            ),
        ];

    /// <summary>CLIP's own (transformers' <c>CLIPImageProcessor</c> without a file), for a tower's folder that says nothing.</summary>
    /// <param name="size">Rows and columns that the tower takes.</param>
    public static ImageSettings Clip(int size) => new(size, 1 / 255.0, ClipMean, ClipDeviation);

    /// <summary>As a <c>preprocessor_config.json</c> has it.</summary>
    public string ToJson() =>
        new JObject
        {
            ["crop_size"] = new JObject { ["height"] = Size, ["width"] = Size },
            ["do_center_crop"] = true,
            ["do_convert_rgb"] = true,
            ["do_normalize"] = true,
            ["do_rescale"] = true,
            ["do_resize"] = true,
            ["image_mean"] = new JArray(Mean),
            ["image_processor_type"] = "CLIPImageProcessor",
            ["image_std"] = new JArray(Deviation),
            ["resample"] = Bicubic,
            ["rescale_factor"] = Rescale,
            ["size"] = new JObject { ["shortest_edge"] = Size },
        }.ToString() + "\n";

    /// <summary>Reads the settings of a folder, or of one file by itself.</summary>
    /// <exception cref="CoinException">
    /// They are missing or broken, two files disagree, or something is not supported; the message names every key.
    /// </exception>
    public static ImageSettings Read(string path)
    {
        var files = File.Exists(path) ? [path] : FilesOf(path);
        var read = files.Select(ReadFile).ToList();
        if (read.Count == 0)
        {
            throw new CoinException(
                $"{path} says nothing of the image processor: neither {Own} nor a {Part} in {Shared}. Download the file that the checkpoint's source has."
            );
        }

        return read.TrueForAll(one => one.IsSame(read[0]))
            ? read[0]
            : throw new CoinException(
                $"{string.Join(" and ", files)} describe two image processors. Remove the one that does not belong to the weights."
            );
    }

    private static bool HasPart(string path) => SettingsFile.Json(path)[Part] is JObject;

    private static ImageSettings ReadFile(string path)
    {
        var settings = new JsonSettings(path, SettingsFile.Json(path));
        var own = settings.Child(Part);
        if (own is not null)
        {
            // How many placeholders a processor writes for a picture, which the model's family compares, and its template.
            settings.Harmless(
                "image_token",
                "num_additional_image_tokens",
                "patch_size",
                "processor_class",
                "vision_feature_select_strategy",
                "chat_template"
            );
            settings.NoOtherKeys();
        }

        var read = Settings(own ?? settings);
        settings.ThrowIfFaulty();
        return read;
    }

    private static ImageSettings Settings(JsonSettings settings)
    {
        // Who wrote it, and where transformers computes. A picture is padded to a square of three colours first: cutting to the middle and
        // converting find nothing to do.
        settings.Harmless(
            "image_processor_type",
            "feature_extractor_type",
            "processor_class",
            "_processor_class",
            "_valid_processor_keys",
            "data_format",
            "input_data_format",
            "device",
            "disable_grouping",
            "return_tensors",
            "do_center_crop",
            "do_convert_rgb",
            "do_pad",
            "default_to_square",
            "image_seq_length"
        );
        settings.On("do_resize", "do_rescale", "do_normalize");
        if (settings.Has("resample"))
        {
            var filter = settings.Int("resample");
            settings.Require(filter == Bicubic, "resample", filter is null ? "null" : $"{filter}", $"{Bicubic} (bicubic)");
        }

        var size = Edge(settings, "size");
        var crop = Edge(settings, "crop_size") ?? size;
        if (crop is null)
        {
            settings.Fault("there is neither size nor crop_size.");
        }
        else if (crop != (size ?? crop))
        {
            settings.Fault($"size is {size} and crop_size {crop}; supported is the same for both.");
        }

        var (mean, deviation) = (settings.Numbers("image_mean") ?? ClipMean, settings.Numbers("image_std") ?? ClipDeviation);
        if (mean.Count != 3 || deviation.Count != 3 || deviation.Contains(0))
        {
            settings.Fault("image_mean and image_std must have three numbers each, for red, green and blue, none of image_std 0.");
        }

        var rescale = settings.Double("rescale_factor") ?? (1 / 255.0);
        settings.NoOtherKeys();
        return new ImageSettings(crop ?? 0, rescale, mean, deviation);
    }

    /// <summary>A square's side: a number, its shortest edge, or height and width.</summary>
    private static int? Edge(JsonSettings settings, string key)
    {
        if (settings.Token(key) is not JObject token)
        {
            return settings.Int(key);
        }

        var sides = settings.Child(key)!;
        var (shortest, height, width) = (sides.Int("shortest_edge"), sides.Int("height"), sides.Int("width"));
        sides.NoOtherKeys();
        if ((shortest ?? height ?? width) is not { } side || height != width || (height ?? side) != side)
        {
            settings.Require(false, key, JsonSettings.Show(token), "one number, a shortest_edge, or equal height and width");
            return null;
        }

        return side;
    }

    private bool IsSame(ImageSettings other) =>
        Size == other.Size
        && Math.Abs(Rescale - other.Rescale) < 1e-9
        && Mean.SequenceEqual(other.Mean)
        && Deviation.SequenceEqual(other.Deviation);
}
