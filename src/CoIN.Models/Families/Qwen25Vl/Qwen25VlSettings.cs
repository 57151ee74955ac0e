using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Models.Imaging;
using CoIN.Models.Modules;
using CoIN.Models.Sequences;
using CoIN.Models.Tokenization;

namespace CoIN.Models.Families.Qwen25Vl;

/// <summary>A model's configuration, tokenizer and image processor.</summary>
internal sealed class Qwen25VlSettings(
    Qwen25VlConfig config,
    Qwen2Tokenizer tokenizer,
    ChatTemplate template,
    IReadOnlyList<int> ends,
    Qwen25VlPictures pictures,
    int longest
) : IModelSettings
{
    /// <summary>Most rows of embeddings that a vocabulary has beyond its tokenizer: Qwen's have hundreds that no token uses.</summary>
    private const int MostUnused = 1024;

    private const string Remedy = "Use the tokenizer that belongs to these weights.";

    /// <inheritdoc/>
    public ModelShape Shape => ShapeOf(config, pictures.MostPositions, longest);

    /// <inheritdoc/>
    public IPictureProcessor Pictures => pictures;

    /// <inheritdoc/>
    public IPrompts Prompts(ModelOptions model, int? maxLength = null, PromptKind evaluation = PromptKind.Trained) =>
        new Qwen25VlPrompts(tokenizer, template, ends);

    /// <summary>What decides work and memory, for pictures as large as they may be.</summary>
    /// <param name="positions">Of the largest picture.</param>
    /// <param name="longest">Positions of the longest sequence.</param>
    public static ModelShape ShapeOf(Qwen25VlConfig config, int positions, int longest)
    {
        var shown = Math.Min(positions, longest);
        var side = (int)Math.Ceiling(Math.Sqrt(shown)) * config.Vision.MergedSize;
        var vision = new VisionConfig(
            config.Vision.HiddenSize,
            config.Vision.IntermediateSize,
            config.Vision.Layers,
            config.Vision.Heads,
            side,
            config.Vision.PatchSize,
            "silu",
            GridVisionConfig.Eps
        )
        {
            ClassToken = false,
        };
        return new ModelShape(config.Text, vision, shown, config.Vision.Parameters, 0)
        {
            FeatureSize = config.Vision.OutSize,
            ProjectorMaps = 0,
            OneByOne = true,
        };
    }

    /// <summary>Reads a folder and checks that it fits together.</summary>
    /// <exception cref="CoinException">It does not; the message says all that is wrong.</exception>
    public static Qwen25VlSettings Read(ModelOptions model)
    {
        var problems = new Problems();
        var settings = Read(model, problems);
        problems.ThrowIfAny(model.Path);
        return settings!;
    }

    /// <summary>As <see cref="Read(ModelOptions)"/>, with what is wrong among the problems.</summary>
    /// <returns>Null where something is.</returns>
    public static Qwen25VlSettings? Read(ModelOptions model, Problems problems)
    {
        var config = problems.Try(() => Qwen25VlConfig.Read(model.Path, model.MaxLength));
        var vocabulary = problems.Try(() => Qwen2Vocabulary.Read(model.Path));
        var tokenizer = vocabulary is null ? null : problems.Try(() => Qwen2Tokenizer.Of(vocabulary));
        var template = vocabulary is null ? null : problems.Try(() => ChatTemplate.Of(vocabulary));
        var pictures = config is null ? null : problems.Try(() => Qwen25VlPictures.Read(model.Path, config.Vision, model.MaxPixels));
        var ends = problems.Try(() => GenerationEnds.Read(model.Path));
        if (config is null || tokenizer is null || template is null || pictures is null || ends is null)
        {
            return null;
        }

        var rows = config.Text.VocabularySize;
        if (tokenizer.Size > rows || rows - tokenizer.Size > MostUnused)
        {
            problems.Add(
                $"{vocabulary!.Source} has ids up to {tokenizer.Size - 1} but the model's vocabulary has {rows} (config.json). {Remedy}"
            );
        }
        else if (!Qwen25VlPrompts.Fits(tokenizer) || tokenizer.AddedId(Qwen25VlPrompts.Pad) != config.ImageTokenId)
        {
            var known = tokenizer.AddedId(Qwen25VlPrompts.Pad) is { } id ? $"{Qwen25VlPrompts.Pad} as {id}" : "no marks of pictures";
            problems.Add(
                $"The tokenizer of {model.Path} has {known}, but the model stands for pictures by {config.ImageTokenId} (image_token_id in config.json). {Remedy}"
            );
        }
        else
        {
            return new Qwen25VlSettings(config, tokenizer, template, ends, pictures, model.MaxLength);
        }

        return null;
    }
}
