using CoIN.Benchmark.Experiments;
using CoIN.Models.Families.MiniGptV2;
using CoIN.Models.Modules;
using CoIN.Models.Settings;
using CoIN.Models.Tests.Golden;
using Newtonsoft.Json.Linq;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Support;

/// <summary>Tiny MiniGPT-v2s: a golden one, and untrained ones.</summary>
internal static class TinyMiniGpt
{
    public static readonly MiniGptConfig Config = new(
        new VisionConfig(16, 32, 2, 2, 16, 4, "gelu", 1e-6) { PatchBias = true, InputNorm = false },
        new DecoderConfig(32, 48, 2, 4, 2, TinyLlava.Vocabulary, 1e-5, 10000, 256, false)
    );

    /// <summary>Writes a golden folder of weights and LLaMA settings as a model's folder.</summary>
    public static void WriteGolden(string golden, string folder)
    {
        Directory.CreateDirectory(folder);
        var meta = JObject.Parse(File.ReadAllText(Path.Combine(golden, "meta.json")));
        var text = SettingsFile.Json(Path.Combine(golden, "llama", "config.json"));
        var vit = meta["vit"]!;
        var config = new JObject
        {
            ["model_type"] = "minigpt_v2",
            ["text_config"] = text,
            ["vision_config"] = new JObject
            {
                ["hidden_size"] = vit["dim"],
                ["image_size"] = vit["img"],
                ["intermediate_size"] = (int)((double)vit["dim"]! * (double)vit["ratio"]!),
                ["layer_norm_eps"] = meta["vit_layernorm_eps"],
                ["num_attention_heads"] = vit["heads"],
                ["num_hidden_layers"] = vit["depth"],
                ["patch_size"] = meta["patch_size"],
            },
            ["vision_norm_eps"] = meta["ln_vision_eps"],
        };
        File.WriteAllText(Path.Combine(folder, "config.json"), config.ToString());
        File.Copy(Path.Combine(golden, "model.safetensors"), Path.Combine(folder, "model.safetensors"));
        foreach (var name in new[] { "tokenizer.model", "tokenizer_config.json" })
        {
            File.Copy(Path.Combine(golden, "llama", name), Path.Combine(folder, name));
        }
    }

    /// <param name="device">Null for the CPU.</param>
    public static MiniGptModel Load(string folder, Device? device = null) =>
        MiniGptCheckpoint.Load(MiniGptSource.Of(new ModelOptions { Path = folder }), ScalarType.Float32, device ?? CPU, _ => { });

    public static MiniGptPrompts Prompts(string folder) =>
        (MiniGptPrompts)MiniGptSettings.Read(MiniGptSource.Of(new ModelOptions { Path = folder })).Prompts(new ModelOptions());

    /// <summary>Writes an untrained model in one folder.</summary>
    public static void Write(string folder)
    {
        Directory.CreateDirectory(folder);
        MiniGptInitializer.Write(folder, Config, 1);
        TinyLlava.WriteSettings(folder, folder);
        File.Delete(Path.Combine(folder, "preprocessor_config.json"));
    }
}
