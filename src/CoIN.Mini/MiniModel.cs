using CoIN.Benchmark;
using CoIN.Benchmark.Files;
using CoIN.Mini.Drawing;
using CoIN.Mini.Pretraining;
using CoIN.Models.Families.Llava;
using CoIN.Models.Modules;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace CoIN.Mini;

/// <summary>The miniature LLaVA: its shape, its untrained folder, its pre-training.</summary>
public static class MiniModel
{
    /// <summary>The conversation template that it is pre-trained with.</summary>
    public const string Conversation = "vicuna_v1_no_system";

    /// <summary>Whether a file of this name is one of its folder's, its weights in one file or in several.</summary>
    public static bool IsFile(string name) => name is "config.json" or "tokenizer.model" or "preprocessor_config.json" or "generation_config.json"
        || (name.StartsWith("model", StringComparison.Ordinal) && (name.EndsWith(".safetensors", StringComparison.Ordinal) || name.EndsWith(".index.json", StringComparison.Ordinal)));

    /// <summary>Longest sequence, image tokens included.</summary>
    internal const int MaxLength = 256;

    private const int Patch = 8;

    /// <summary>Writes an untrained model and pre-trains it.</summary>
    /// <param name="folder">The model folder; what stands there is replaced.</param>
    /// <param name="say">Receives progress, a line at a time.</param>
    /// <exception cref="CoinException">The folder cannot be written.</exception>
    public static void Pretrain(string folder, PretrainingOptions options, Action<string> say, CancellationToken stop)
    {
        if (options.From is null)
        {
            Initialize(folder, options.Seed);
        }
        else
        {
            Copy(options.From, folder);
        }

        using var pretrainer = new Pretrainer(options, folder, say);
        pretrainer.Run(stop);
    }

    /// <summary>Takes over a model of the same vocabulary.</summary>
    private static void Copy(string from, string folder)
    {
        var tokenizer = Path.Combine(from, "tokenizer.model");
        if (!File.Exists(tokenizer) || !File.ReadAllBytes(tokenizer).AsSpan().SequenceEqual(MiniVocabulary.Build().ToBytes()))
        {
            throw new CoinException($"{from} is no miniature model of this version: its tokenizer.model is missing or another. Pre-train from random weights instead.");
        }

        Durable.WriteFolder(folder, temporary =>
        {
            foreach (var file in Directory.EnumerateFiles(from))
            {
                File.Copy(file, Path.Combine(temporary, Path.GetFileName(file)));
            }
        });
    }

    /// <summary>Writes an untrained hub folder: configuration, tokenizer, image processor, random weights.</summary>
    internal static void Initialize(string folder, int seed) => Durable.WriteFolder(folder, temporary =>
    {
        var tokenizer = MiniVocabulary.Build();

        // One id more, which no text has, for the picture; rounded up to a multiple of eight.
        var imageToken = tokenizer.Pieces.Count;
        var vocabulary = (tokenizer.Pieces.Count + 1 + 7) / 8 * 8;
        var config = new LlavaConfig(
            new VisionConfig(HiddenSize: 96, IntermediateSize: 384, Layers: 4, Heads: 4, Canvas.Size, Patch, "quick_gelu", 1e-5),
            new DecoderConfig(
                HiddenSize: 128, IntermediateSize: 352, Layers: 4, Heads: 4, KeyValueHeads: 2, vocabulary,
                RmsNormEps: 1e-5, RopeTheta: 10000, MaxLength, TiedEmbeddings: false),
            FeatureLayer: -2, KeepClassToken: false);
        LlavaInitializer.Write(temporary, config, imageToken, seed);
        File.WriteAllBytes(Path.Combine(temporary, "tokenizer.model"), tokenizer.ToBytes());
        Durable.WriteText(Path.Combine(temporary, "preprocessor_config.json"), ImageProcessor().ToString(Formatting.Indented) + "\n");
        Durable.WriteText(Path.Combine(temporary, "generation_config.json"), Generation().ToString(Formatting.Indented) + "\n");
    });

    private static JObject ImageProcessor() => new()
    {
        ["crop_size"] = new JObject { ["height"] = Canvas.Size, ["width"] = Canvas.Size },
        ["do_center_crop"] = true,
        ["do_convert_rgb"] = true,
        ["do_normalize"] = true,
        ["do_rescale"] = true,
        ["do_resize"] = true,
        ["image_mean"] = new JArray(0.48145466, 0.4578275, 0.40821073),
        ["image_processor_type"] = "CLIPImageProcessor",
        ["image_std"] = new JArray(0.26862954, 0.26130258, 0.27577711),
        ["resample"] = 3,
        ["rescale_factor"] = 1 / 255.0,
        ["size"] = new JObject { ["shortest_edge"] = Canvas.Size },
    };

    private static JObject Generation() => new() { ["bos_token_id"] = 1, ["eos_token_id"] = 2 };
}
