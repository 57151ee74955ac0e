using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Models.Settings;

namespace CoIN.Models.Families.MiniGptV2;

/// <summary>Where a MiniGPT-v2's files are.</summary>
/// <param name="Whole">
/// Whether one folder holds everything, with a configuration; otherwise the parts are as MiniGPT-4's code has them.
/// </param>
/// <param name="Language">Folder of the language model, with the tokenizer.</param>
/// <param name="VisionTower">EVA-CLIP-g's file (<c>eva_vit_g.pth</c>), or the whole model's folder.</param>
/// <param name="Checkpoint">The stage's file, with <c>llama_proj</c> and perhaps a LoRA; or the whole model's folder.</param>
/// <param name="Roots">What the model consists of, for its SHA-256: folders and files, each with the name that stands for it.</param>
internal sealed record MiniGptSource(
    bool Whole,
    string Language,
    string VisionTower,
    string Checkpoint,
    IReadOnlyList<(string Path, string Name)> Roots
)
{
    /// <summary>The <c>model_type</c> of a whole model's configuration.</summary>
    public const string ModelType = "minigpt_v2";

    private const string TowerKey = "model.vision-tower";
    private const string CheckpointKey = "model.projector";

    /// <summary>Positions of the longest sequence that it is to be used for; 0 for as many as the language model was made for.</summary>
    public int Longest { get; init; }

    /// <summary>For people: the folder, or the parts.</summary>
    public string Name => string.Join(", ", Roots.Select(root => root.Path));

    /// <summary>Whether a configuration names a whole MiniGPT-v2, or parts in the files that MiniGPT-4's code has them in.</summary>
    public static bool Recognizes(ModelOptions options)
    {
        if (options.Path.Length == 0)
        {
            return IsArchive(options.VisionTower) || Path.GetExtension(options.Projector) == ".pth";
        }

        try
        {
            var config = Path.Combine(options.Path, "config.json");
            return System.IO.File.Exists(config) && SettingsFile.Json(config)["model_type"]?.ToString() == ModelType;
        }
        catch (CoinException)
        {
            // What is wrong with it is said by who reads it.
            return false;
        }
    }

    /// <summary>Finds the files that a configuration names.</summary>
    /// <exception cref="CoinException">One is missing, or is not what its key is for.</exception>
    public static MiniGptSource Of(ModelOptions options) => Files(options) with { Longest = options.MaxLength };

    private static MiniGptSource Files(ModelOptions options)
    {
        if (options.Path.Length > 0)
        {
            return options.VisionTower is null
                ? new(true, options.Path, options.Path, options.Path, [(options.Path, "")])
                : throw new CoinException(
                    $"{options.Path} holds a vision tower of its own, but {TowerKey} is {options.VisionTower}. Leave {TowerKey} out."
                );
        }

        var language = options.Language ?? "";
        if (!Directory.Exists(language))
        {
            throw new CoinException(
                language.Length == 0
                    ? "model.language is not set. Name the folder of Llama-2-7b-chat."
                    : $"There is no model folder {language}. Check model.language."
            );
        }

        var tower = File(options.VisionTower, TowerKey, "the file of EVA-CLIP-g, eva_vit_g.pth");
        var checkpoint = File(options.Projector, CheckpointKey, "the file of a MiniGPT-v2 stage, e.g. minigptv2_checkpoint.pth");
        return new(false, language, tower, checkpoint, [(language, "language/"), (tower, "vision-tower"), (checkpoint, "projector")]);
    }

    private static string File(string? path, string key, string what) =>
        System.IO.File.Exists(path)
            ? path
            : throw new CoinException(
                path is null or "" ? $"{key} is not set. Name {what}."
                : Directory.Exists(path) ? $"{key}: {path} is a folder. MiniGPT-v2's part is a file: name {what}."
                : $"{key}: there is no file {path}. Name {what}."
            );

    private static bool IsArchive(string? path) =>
        path is not null
        && (
            System.IO.File.Exists(path)
            || (!Directory.Exists(path) && Path.GetExtension(path) is ".pth" or ".pt" or ".bin" or ".safetensors")
        );
}
