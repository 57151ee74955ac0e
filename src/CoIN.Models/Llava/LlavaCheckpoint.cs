using CoIN.Benchmark;
using CoIN.Models.Checkpoints;
using CoIN.Models.Modules;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Llava;

/// <summary>
/// Loads LLaVA models in the layouts that people have: one Hugging Face folder, or CoIN's recipe of a LLaMA folder, a CLIP folder and a projector file.
/// </summary>
internal static class LlavaCheckpoint
{
    /// <summary>Names of the hub's LLaVA folders, older and newer.</summary>
    private static readonly HubNames[] HubLayouts =
    [
        new("vision_tower.vision_model.", "multi_modal_projector.", "language_model.model.", "language_model.lm_head.weight"),
        new("model.vision_tower.vision_model.", "model.multi_modal_projector.", "model.language_model.", "lm_head.weight"),
    ];

    private sealed record HubNames(string Vision, string Projector, string Language, string Head);

    /// <summary>Whether a folder holds the parts <c>llama</c>, <c>clip</c> and <c>mm_projector.safetensors</c> instead of one model.</summary>
    public static bool IsParts(string path) => !File.Exists(Path.Combine(path, "config.json")) && Directory.Exists(Path.Combine(path, "llama"));

    /// <summary>The folder that holds tokenizer and image processor settings.</summary>
    public static (string Tokenizer, string ImageProcessor) SettingsFolders(string path) =>
        IsParts(path) ? (Path.Combine(path, "llama"), Path.Combine(path, "clip")) : (path, path);

    /// <summary>Loads a model folder of either layout.</summary>
    /// <param name="warn">Receives a sentence about tensors that nothing uses.</param>
    /// <exception cref="CoinException">The folder is missing or incomplete, or its files do not fit together.</exception>
    public static LlavaModel Load(string path, ScalarType dtype, Device device, Action<string> warn)
    {
        if (!Directory.Exists(path))
        {
            throw new CoinException($"There is no model folder {path}. Check model.path.");
        }

        return IsParts(path)
            ? LoadParts(Path.Combine(path, "llama"), Path.Combine(path, "clip"), Path.Combine(path, "mm_projector.safetensors"), dtype, device, warn)
            : LoadHub(path, dtype, device, warn);
    }

    /// <summary>Loads CoIN's three parts.</summary>
    public static LlavaModel LoadParts(string llama, string clip, string projector, ScalarType dtype, Device device, Action<string> warn)
    {
        var config = LlavaConfig.ReadParts(llama, clip);
        using var llamaFiles = CheckpointFolder.Open(llama);
        using var clipFiles = CheckpointFolder.Open(clip);
        using var projectorFile = CheckpointFolder.Open(projector);
        var prefix = projectorFile.Has("model.mm_projector.0.weight") ? "model.mm_projector." : "mm_projector.";
        using var noGrad = no_grad();
        var model = new LlavaModel(
            config,
            new ClipVisionTower(clipFiles, "vision_model.", config, dtype, device),
            Projector.Take(projectorFile, $"{prefix}0", $"{prefix}2", config.Vision.HiddenSize, config.Text.HiddenSize, dtype, device),
            new LlamaModel(llamaFiles, "model.", "lm_head.weight", config.Text, dtype, device));

        // A whole CLIP has a text tower too, which LLaVA does not use.
        clipFiles.Ignore(name => !name.StartsWith("vision_model.", StringComparison.Ordinal));
        Finish([clipFiles, projectorFile, llamaFiles], warn);
        return model;
    }

    /// <summary>Every weight of a model by its name in the older hub layout.</summary>
    public static IEnumerable<(string Name, Tensor Tensor)> HubNamed(LlavaModel model)
    {
        var names = HubLayouts[0];
        string[] projector = ["linear_1.weight", "linear_1.bias", "linear_2.weight", "linear_2.bias"];
        return
        [
            .. model.Vision.Named(names.Vision),
            .. projector.Zip(model.Projector.Parameters, (name, tensor) => ($"{names.Projector}{name}", tensor)),
            .. model.Language.Named(names.Language, names.Head),
        ];
    }

    private static LlavaModel LoadHub(string path, ScalarType dtype, Device device, Action<string> warn)
    {
        var config = LlavaConfig.ReadHub(path);
        using var files = CheckpointFolder.Open(path);
        var names = HubLayouts.FirstOrDefault(layout => files.Has($"{layout.Language}embed_tokens.weight")) ?? HubLayouts[0];
        using var noGrad = no_grad();
        var model = new LlavaModel(
            config,
            new ClipVisionTower(files, names.Vision, config, dtype, device),
            Projector.Take(
                files, $"{names.Projector}linear_1", $"{names.Projector}linear_2", config.Vision.HiddenSize, config.Text.HiddenSize, dtype, device),
            new LlamaModel(files, names.Language, names.Head, config.Text, dtype, device));
        Finish([files], warn);
        return model;
    }

    private static void Finish(IEnumerable<CheckpointFolder> parts, Action<string> warn)
    {
        foreach (var part in parts)
        {
            var unused = part.Finish();
            if (unused.Count > 0)
            {
                warn($"{part.Path}: {unused.Count} tensor(s) are not used: {CheckpointFolder.Shorten(unused)}");
            }
        }
    }
}
