using CoIN.Models.Adapters.Lora;
using CoIN.Models.Adapters.Peft;
using CoIN.Models.Checkpoints;
using CoIN.Models.Families.Llava;
using CoIN.Models.Modules;
using CoIN.Models.Settings;
using CoIN.Models.Tokenization;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Support;

/// <summary>A tiny untrained LLaVA with tokenizer and image processor settings, in any layout.</summary>
internal static class TinyLlava
{
    public const int Vocabulary = 280;

    /// <summary>Writes the hub's layout.</summary>
    /// <param name="vocabulary">Rows of the embeddings.</param>
    public static void WriteHub(string folder, int vocabulary = Vocabulary)
    {
        Directory.CreateDirectory(folder);
        LlavaInitializer.Write(
            folder,
            new LlavaConfig(
                new VisionConfig(16, 32, 3, 2, 16, 8, "quick_gelu", 1e-5),
                new DecoderConfig(32, 48, 2, 4, 2, vocabulary, 1e-5, 10000, 128, false),
                -2,
                false
            ),
            vocabulary - 1,
            1
        );
        WriteSettings(folder, folder);
    }

    /// <summary>Writes CoIN's parts: llama, clip and a projector file.</summary>
    public static void WriteParts(string folder, int vocabulary)
    {
        WriteHub(Path.Combine(folder, "hub"), vocabulary);
        string llama = Directory.CreateDirectory(Path.Combine(folder, "llama")).FullName,
            clip = Directory.CreateDirectory(Path.Combine(folder, "clip")).FullName;
        using (var hub = CheckpointFolder.Open(Path.Combine(folder, "hub")))
        {
            void Part(string path, params (string From, string To)[] prefixes) =>
                SafetensorsWriter.Write(
                    path,
                    prefixes
                        .SelectMany(prefix =>
                            hub.Names.Where(name => name.StartsWith(prefix.From, StringComparison.Ordinal))
                                .Select(name => (Old: name, New: prefix.To + name[prefix.From.Length..]))
                        )
                        .ToDictionary(pair => pair.New, pair => hub.Read(pair.Old))
                );
            Part(Path.Combine(llama, "model.safetensors"), ("language_model.", ""));
            Part(Path.Combine(clip, "model.safetensors"), ("vision_tower.", ""));
            Part(
                Path.Combine(folder, "mm_projector.safetensors"),
                ("multi_modal_projector.linear_1.", "model.mm_projector.0."),
                ("multi_modal_projector.linear_2.", "model.mm_projector.2.")
            );
        }

        var config = SettingsFile.Json(Path.Combine(folder, "hub", "config.json"));
        File.WriteAllText(Path.Combine(llama, "config.json"), config["text_config"]!.ToString());
        File.WriteAllText(Path.Combine(clip, "config.json"), config["vision_config"]!.ToString());
        WriteSettings(llama, clip);
        Directory.Delete(Path.Combine(folder, "hub"), recursive: true);
    }

    /// <summary>Pieces of the tokenizer.</summary>
    public static int WriteSettings(string language, string vision)
    {
        var pieces = new List<Piece>
        {
            new("<unk>", 0, PieceKind.Unknown),
            new("<s>", 0, PieceKind.Control),
            new("</s>", 0, PieceKind.Control),
        };
        pieces.AddRange(Enumerable.Range(0, 256).Select(value => new Piece($"<0x{value:X2}>", 0, PieceKind.Byte)));
        pieces.AddRange("\u2581abcdefgh:.".Select((letter, i) => new Piece($"{letter}", -i, PieceKind.Normal)));
        File.WriteAllBytes(Path.Combine(language, "tokenizer.model"), new SentencePieceModel(pieces, true).ToBytes());
        File.WriteAllText(
            Path.Combine(vision, "preprocessor_config.json"),
            """{"size": 16, "crop_size": 16, "resample": 3, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}"""
        );
        return pieces.Count;
    }

    /// <summary>An adapter whose matrices change every linear layer, with a projector of its own.</summary>
    public static void WriteAdapter(string folder, LlavaModel model)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var generator = new Generator(3, CPU);
        using var adapter = LoraAdapter.Initialize(model.Language, model.Projector, new() { Rank = 4, Alpha = 8 }, CPU, 2);
        foreach (var tensor in adapter.Parameters())
        {
            tensor.add_(normal(0, 0.1, tensor.shape, generator: generator));
        }

        Directory.CreateDirectory(folder);
        PeftFolder.Write(folder, adapter, 0, "base");
    }
}
