using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Models.Modules;
using CoIN.Models.Settings;

namespace CoIN.Models.Families.Llava;

/// <summary>How a LLaVA model's files are arranged.</summary>
internal enum LlavaLayout
{
    /// <summary>Hugging Face's: one folder with everything (<c>llava-hf/llava-1.5-7b-hf</c>).</summary>
    Hub,

    /// <summary>CoIN's recipe: a LLaMA folder, a CLIP folder and a projector file.</summary>
    Parts,

    /// <summary>LLaVA's own: language model and projector in one folder, CLIP in another (<c>liuhaotian/llava-v1.5-7b</c>).</summary>
    Original,
}

/// <summary>Where a LLaVA model's files are.</summary>
/// <param name="Language">Folder of the language model, with the tokenizer.</param>
/// <param name="VisionTower">Folder of the vision tower, with the image processor's settings.</param>
/// <param name="Projector">The projector's file; null where it is in <paramref name="Language"/>.</param>
/// <param name="Roots">What the model consists of, for its SHA-256: folders and files, each with the name that stands for it.</param>
internal sealed record LlavaSource(
    LlavaLayout Layout,
    string Language,
    string VisionTower,
    string? Projector,
    IReadOnlyList<(string Path, string Name)> Roots
)
{
    /// <summary>Positions of the longest sequence that it is to be used for; 0 for as many as the language model was made for.</summary>
    public int Longest { get; init; }

    /// <summary>Files that a projector may come in, in the order of preference.</summary>
    private static readonly string[] ProjectorFiles = ["mm_projector.safetensors", "mm_projector.bin"];

    /// <summary>For people: the folder, or the parts.</summary>
    public string Name => string.Join(", ", Roots.Select(root => root.Path));

    /// <summary>Whether a configuration names parts, or a folder that is a whole LLaVA model of any layout.</summary>
    public static bool Recognizes(ModelOptions options)
    {
        if (options.VisionTower is not null || options.Path.Length == 0)
        {
            return options.VisionTower is not null;
        }

        var config = Path.Combine(options.Path, "config.json");
        if (!File.Exists(config))
        {
            return Directory.Exists(Path.Combine(options.Path, "llama"));
        }

        try
        {
            var json = SettingsFile.Json(config);
            return json["model_type"]?.ToString() is "llava" or "llava_llama" || json["mm_projector_type"] is not null;
        }
        catch (CoinException)
        {
            // What is wrong with it is said by who reads it.
            return false;
        }
    }

    /// <summary>Finds the files that a configuration names.</summary>
    /// <exception cref="CoinException">A folder is missing, or is not what its key is for.</exception>
    public static LlavaSource Of(ModelOptions options) => Files(options) with { Longest = options.MaxLength };

    private static LlavaSource Files(ModelOptions options) =>
        options.Language is not null && options.Projector is not null && options.VisionTower is not null
            ? Parts(
                Folder(options.Language, "model.language"),
                Folder(options.VisionTower, "model.vision-tower"),
                options.Projector,
                [(options.Language, "language/"), (options.VisionTower, "vision-tower/"), (options.Projector, "projector")]
            )
            : Of(options.Path, options.VisionTower);

    /// <summary>Finds the files of a model folder of any layout.</summary>
    /// <param name="visionTower">The CLIP folder of LLaVA's own layout; null where the folder itself says it.</param>
    public static LlavaSource Of(string path, string? visionTower = null)
    {
        Folder(path, "model.path");
        var config = Path.Combine(path, "config.json");
        if (!File.Exists(config) && Directory.Exists(Path.Combine(path, "llama")))
        {
            return Parts(
                Path.Combine(path, "llama"),
                Folder(visionTower ?? Path.Combine(path, "clip"), "model.vision-tower"),
                ProjectorFiles.Select(name => Path.Combine(path, name)).FirstOrDefault(File.Exists)
                    ?? throw new CoinException(
                        $"{path} holds a folder llama but no projector ({string.Join(" or ", ProjectorFiles)}). Put it there, or name the parts with model.language, model.vision-tower and model.projector."
                    ),
                visionTower is null ? [(path, "")] : [(path, ""), (visionTower, "vision-tower/")]
            );
        }

        var json = SettingsFile.Json(config);
        var type = json["model_type"]?.ToString() ?? "none";
        if (type == "llava" && json["text_config"] is not null)
        {
            return visionTower is null
                ? new LlavaSource(LlavaLayout.Hub, path, path, null, [(path, "")])
                : throw new CoinException(
                    $"{path} holds a vision tower of its own, but model.vision-tower is {visionTower}. Leave model.vision-tower out."
                );
        }

        if (type is "llava" or "llava_llama" || json["mm_projector_type"] is not null)
        {
            var tower = visionTower ?? Named(path, json["mm_vision_tower"]?.ToString());
            return new LlavaSource(
                LlavaLayout.Original,
                path,
                Folder(tower, "model.vision-tower"),
                null,
                [(path, ""), (tower, "vision-tower/")]
            );
        }

        throw new CoinException(
            type == "llama"
                ? $"{path} is a language model by itself. Name it with model.language, and its other parts with model.vision-tower and model.projector, instead of model.path."
                : $"{config} describes a model of type '{type}'; model.path needs a LLaVA folder (model_type llava or llava_llama) or a Qwen-VL folder (qwen)."
        );
    }

    private static LlavaSource Parts(string language, string visionTower, string projector, IReadOnlyList<(string, string)> roots) =>
        File.Exists(projector)
            ? new LlavaSource(LlavaLayout.Parts, language, visionTower, projector, roots)
            : throw new CoinException($"model.projector: there is no file {projector}. Name the projector's file, e.g. mm_projector.bin.");

    /// <summary>The tower that a configuration names, where it is a folder on this host; usually it is a name on the hub.</summary>
    private static string Named(string path, string? tower)
    {
        var folder = Path.GetFullPath(Path.Combine(path, tower ?? ""));
        return tower is { Length: > 0 } && File.Exists(Path.Combine(folder, "config.json"))
            ? folder
            : throw new CoinException(
                $"{path} is in LLaVA's own layout, whose vision tower ({tower ?? "not named"}) is a folder of its own. Download it and name it with model.vision-tower."
            );
    }

    private static string Folder(string path, string key) =>
        Directory.Exists(path)
            ? path
            : throw new CoinException(path.Length == 0 ? $"{key} is not set." : $"There is no model folder {path}. Check {key}.");
}
