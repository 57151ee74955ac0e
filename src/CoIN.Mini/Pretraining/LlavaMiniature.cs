using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Files;
using CoIN.Mini.Drawing;
using CoIN.Models.Families.Llava;
using CoIN.Models.Imaging;
using CoIN.Models.Modules;
using CoIN.Models.Sequences;
using CoIN.Models.Tokenization;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Mini.Pretraining;

/// <summary>The miniature LLaVA, in the hub's layout.</summary>
internal sealed class LlavaMiniature : IMiniFamily
{
    public const int Patch = 8;

    /// <inheritdoc/>
    public string Key => "llava";

    /// <summary>The language model, with room for words that a tokenizer does not have.</summary>
    /// <param name="words">Rows that are needed.</param>
    public static DecoderConfig Text(int words) =>
        new(
            HiddenSize: 128,
            IntermediateSize: 352,
            Layers: 4,
            Heads: 4,
            KeyValueHeads: 2,
            (words + 7) / 8 * 8,
            RmsNormEps: 1e-5,
            RopeTheta: 10000,
            MiniModel.MaxLength,
            TiedEmbeddings: false
        );

    /// <inheritdoc/>
    public bool Recognizes(string folder) => LlavaSource.Recognizes(new ModelOptions { Path = folder });

    /// <inheritdoc/>
    public void Initialize(string folder, int seed)
    {
        var tokenizer = MiniVocabulary.Build();

        // One id more, which no text has, for the picture.
        var imageToken = tokenizer.Pieces.Count;
        var config = new LlavaConfig(
            new VisionConfig(HiddenSize: 96, IntermediateSize: 384, Layers: 4, Heads: 4, Canvas.Size, Patch, "quick_gelu", 1e-5),
            Text(imageToken + 1),
            FeatureLayer: -2,
            KeepClassToken: false
        );
        LlavaInitializer.Write(folder, config, imageToken, seed);
        File.WriteAllBytes(Path.Combine(folder, "tokenizer.model"), tokenizer.ToBytes());
        Durable.WriteText(Path.Combine(folder, "preprocessor_config.json"), ImageProcessor().ToString(Formatting.Indented) + "\n");
        Durable.WriteText(Path.Combine(folder, "generation_config.json"), MiniFamilies.Generation().ToString(Formatting.Indented) + "\n");
    }

    /// <inheritdoc/>
    public MiniSubject Open(string folder, Action<string> say)
    {
        var model = LlavaCheckpoint.Load(folder, ScalarType.Float32, CPU, say);
        var images = ClipImageProcessor.Load(Path.Combine(folder, "preprocessor_config.json"));
        var prompts = new PromptBuilder(
            SentencePieceTokenizer.Load(Path.Combine(folder, "tokenizer.model")),
            ConversationTemplates.Get(MiniModel.Conversation),
            MiniModel.MaxLength
        );
        return new MiniSubject(
            model,
            prompts,
            images.Size,
            picture => images.Normalize(images.Resize(picture, ImageMode.Pad)),
            [.. model.Vision.Parameters(), .. model.Projector.Parameters, .. model.Language.Parameters()],
            model.Vision.Forward,
            () => LlavaCheckpoint.HubNamed(model)
        );
    }

    private static JObject ImageProcessor() =>
        new()
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
}
