using CoIN.Benchmark;
using CoIN.Models.Checkpoints;
using CoIN.Models.Modules;
using CoIN.Models.Settings;

namespace CoIN.Models.Families.MiniGptV2;

/// <summary>Shape of a MiniGPT-v2.</summary>
/// <param name="Joined">Neighbouring positions of the tower, in reading order, that one position of the language model stands for.</param>
/// <param name="NormEps">ε of the norm behind the tower (<c>ln_vision</c>).</param>
internal sealed record MiniGptConfig(
    VisionConfig Vision,
    DecoderConfig Text,
    int Joined = MiniGptConfig.UsualJoined,
    double NormEps = MiniGptConfig.UsualEps
)
{
    private const int UsualJoined = 4;
    private const double UsualEps = 1e-5;

    /// <summary>Layers of the vision tower that are loaded.</summary>
    public int VisionLayers => EvaSettings.Used(Vision);

    /// <summary>Image tokens of a picture.</summary>
    public int ImageTokens => Vision.Patches / Joined;

    /// <summary>Features of a picture's position, then those that the projector gives.</summary>
    public IReadOnlyList<int> ProjectorSizes => [Joined * Vision.HiddenSize, Text.HiddenSize];

    /// <summary>What decides work and memory.</summary>
    public ModelShape Shape
    {
        get
        {
            long features = ProjectorSizes[0],
                text = Text.HiddenSize;
            return new ModelShape(
                Text,
                Vision,
                ImageTokens,
                Vision.Parameters(VisionLayers) + (2 * Vision.HiddenSize),
                (features * text) + text
            )
            {
                FeatureSize = ProjectorSizes[0],
                ProjectorMaps = 1,
            };
        }
    }

    /// <summary>Reads the configuration of a model's files.</summary>
    /// <exception cref="CoinException">A file is missing, not JSON, or describes what is not supported.</exception>
    public static MiniGptConfig Read(MiniGptSource source)
    {
        var path = Path.Combine(source.Language, "config.json");
        var config = source.Whole ? ReadWhole(path) : ReadParts(source, path);
        return config with { Text = LongSequences.Allow(config.Text, source.Longest, path) };
    }

    private static MiniGptConfig ReadWhole(string path) => SettingsFile.Read(path, settings =>
        {
            TransformersKeys.Account(settings);
            settings.TextOf("model_type", MiniGptSource.ModelType, MiniGptSource.ModelType);
            var (vision, text) = (settings.Child("vision_config"), settings.Child("text_config"));
            if (vision is null || text is null)
            {
                settings.Fault($"there is no {(vision is null ? "vision_config" : "text_config")}. Is it the config.json of a MiniGPT-v2?");
                settings.ThrowIfFaulty();
            }

            text!.TextOf("model_type", "llama", "llama");
            var language = LlamaSettings.Read(text, settings.Int("vocab_size"));
            text.NoOtherKeys();
            settings.Off("tie_word_embeddings");
            var config = new MiniGptConfig(
                EvaSettings.Read(vision!),
                language,
                settings.Int("vision_tokens_joined") ?? UsualJoined,
                settings.Double("vision_norm_eps") ?? UsualEps
            );
            settings.Require(
                config.Joined >= 1 && config.Vision.Patches % config.Joined == 0,
                "vision_tokens_joined",
                $"{config.Joined}",
                $"a divisor of the tower's {config.Vision.Patches} positions"
            );
            settings.NoOtherKeys();
            return config;
        });

    /// <summary>A LLaMA folder; the tower's shape is that of its file's tensors.</summary>
    private static MiniGptConfig ReadParts(MiniGptSource source, string path)
    {
        var problems = new Problems();
        var text = problems.Try(() => SettingsFile.Read(path, settings =>
            {
                settings.TextOf("model_type", "llama", "llama");
                var config = LlamaSettings.Read(settings, null);
                settings.NoOtherKeys();
                return config;
            }));
        var vision = problems.Try(() =>
        {
            using var file = CheckpointFolder.Open(source.VisionTower);
            return EvaSettings.Read(file, MiniGptCheckpoint.VisionPrefixIn(file));
        });
        problems.ThrowIfAny(source.Name);
        return new MiniGptConfig(vision!, text!);
    }
}
