using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Models.Imaging;
using CoIN.Models.Sequences;
using CoIN.Models.Tokenization;

namespace CoIN.Models.Families.Llava;

/// <summary>A model's configuration, tokenizer and image processor.</summary>
internal sealed class LlavaSettings(LlavaConfig config, ITextTokenizer tokenizer, ClipImageProcessor images) : IModelSettings
{
    /// <inheritdoc/>
    public ModelShape Shape => config.Shape;

    /// <inheritdoc/>
    /// <remarks>CoIN pads pictures to squares.</remarks>
    public IPictureProcessor Pictures { get; } = new ClipPictures(images, ImageMode.Pad);

    /// <inheritdoc/>
    public IPrompts Prompts(ModelOptions model, int? maxLength = null, PromptKind evaluation = PromptKind.Trained) =>
        Prompts(tokenizer, model, maxLength);

    /// <summary>How samples become tokens, by configuration and tokenizer alone.</summary>
    /// <exception cref="CoinException">One of them is damaged, or they do not fit together.</exception>
    public static IPrompts Prompts(LlavaSource source, ModelOptions model)
    {
        var problems = new Problems();
        var config = problems.Try(() => LlavaConfig.Read(source));
        var tokenizer = problems.Try(() => LlamaTokenizers.Load(source.Language));
        if (config is not null && tokenizer is not null)
        {
            LlavaTokenizerFit.Check(config, tokenizer, LlamaTokenizers.FileOf(source.Language)!, problems);
        }

        problems.ThrowIfAny(source.Name);
        return Prompts(tokenizer!, model, null);
    }

    /// <summary>Reads everything but the weights and checks that it fits together.</summary>
    /// <exception cref="CoinException">It does not; the message says all that is wrong.</exception>
    public static LlavaSettings Read(LlavaSource source)
    {
        var problems = new Problems();
        var (config, tokenizer, images) = Read(source, problems, _ => { });
        problems.ThrowIfAny(source.Name);
        return new LlavaSettings(config!, tokenizer!, images!);
    }

    /// <summary>As <see cref="Read(LlavaSource)"/>, with what is wrong among the problems.</summary>
    /// <param name="warn">Receives sentences about what is unusual but not wrong.</param>
    /// <returns>What could be read.</returns>
    public static (LlavaConfig? Config, ITextTokenizer? Tokenizer, ClipImageProcessor? Images) Read(
        LlavaSource source,
        Problems problems,
        Action<string> warn
    )
    {
        var config = problems.Try(() => LlavaConfig.Read(source));
        var tokenizer = problems.Try(() => LlamaTokenizers.Load(source.Language));
        var images = problems.Try(() => new ClipImageProcessor(Images(source, config, warn)));
        if (config is not null && tokenizer is not null)
        {
            LlavaTokenizerFit.Check(config, tokenizer, LlamaTokenizers.FileOf(source.Language)!, problems);
        }

        if (config is not null)
        {
            problems.Try(() => LlavaProcessorSettings.Check(source.VisionTower, config));
        }

        if (config is not null && images is not null && images.Size != config.Vision.ImageSize)
        {
            problems.Add(
                $"{string.Join(", ", ImageSettings.FilesOf(source.VisionTower))} makes pictures of {images.Size} pixels but the vision tower "
                    + $"takes {config.Vision.ImageSize} (config.json). Use the files of one checkpoint."
            );
        }

        return (config, tokenizer, images);
    }

    /// <summary>The image processor's settings; CLIP's own for a tower that was saved without its processor.</summary>
    public static ImageSettings Images(LlavaSource source, LlavaConfig? config, Action<string> warn)
    {
        if (source.Layout == LlavaLayout.Hub || config is null || ImageSettings.FilesOf(source.VisionTower).Count > 0)
        {
            return ImageSettings.Read(source.VisionTower);
        }

        warn(
            $"{source.VisionTower} says nothing of the image processor (no preprocessor_config.json), as transformers saves a vision tower by "
                + $"itself: CLIP's own settings are taken, bicubic at {config.Vision.ImageSize} pixels with CLIP's mean and deviation."
        );
        return ImageSettings.Clip(config.Vision.ImageSize);
    }

    private static PromptBuilder Prompts(ITextTokenizer tokenizer, ModelOptions model, int? maxLength) =>
        new(tokenizer, ConversationTemplates.Get(model.Conversation), maxLength ?? model.MaxLength);
}
