using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Models.Imaging;
using CoIN.Models.Sequences;
using CoIN.Models.Tokenization;

namespace CoIN.Models.Families.Llava;

/// <summary>A model's configuration, tokenizer and image processor.</summary>
internal sealed class LlavaSettings(LlavaConfig config, SentencePieceTokenizer tokenizer, ClipImageProcessor images) : IModelSettings
{
    /// <inheritdoc/>
    public ModelShape Shape => config.Shape;

    /// <inheritdoc/>
    public IPictureProcessor Pictures { get; } = new PaddedPictures(images);

    /// <inheritdoc/>
    public IPrompts Prompts(ModelOptions model, int? maxLength = null) =>
        new PromptBuilder(tokenizer, ConversationTemplates.Get(model.Conversation), maxLength ?? model.MaxLength);

    /// <summary>Reads everything but the weights and checks that it fits together.</summary>
    /// <exception cref="CoinException">It does not; the message says all that is wrong.</exception>
    public static LlavaSettings Read(LlavaSource source)
    {
        var problems = new Problems();
        var (config, tokenizer, images) = Read(source, problems);
        problems.ThrowIfAny(source.Name);
        return new LlavaSettings(config!, tokenizer!, images!);
    }

    /// <summary>As <see cref="Read(LlavaSource)"/>, with what is wrong among the problems.</summary>
    /// <returns>What could be read.</returns>
    public static (LlavaConfig? Config, SentencePieceTokenizer? Tokenizer, ClipImageProcessor? Images) Read(LlavaSource source, Problems problems)
    {
        var config = problems.Try(() => LlavaConfig.Read(source));
        var tokenizer = problems.Try(() => SentencePieceTokenizer.Load(Path.Combine(source.Language, "tokenizer.model")));
        var images = problems.Try(() => ClipImageProcessor.Load(source.VisionTower));
        if (config is not null && tokenizer?.PieceCount > config.Text.VocabularySize)
        {
            problems.Add(
                $"{Path.Combine(source.Language, "tokenizer.model")} has {tokenizer.PieceCount} pieces but the model's vocabulary has " +
                $"{config.Text.VocabularySize} (config.json). Use the tokenizer that belongs to these weights.");
        }

        if (config is not null && images is not null && images.Size != config.Vision.ImageSize)
        {
            problems.Add(
                $"{string.Join(", ", ImageSettings.FilesOf(source.VisionTower))} makes pictures of {images.Size} pixels but the vision tower " +
                $"takes {config.Vision.ImageSize} (config.json). Use the files of one checkpoint.");
        }

        return (config, tokenizer, images);
    }

    /// <summary>CLIP's processor as CoIN uses it: pictures are padded to squares.</summary>
    private sealed class PaddedPictures(ClipImageProcessor images) : IPictureProcessor
    {
        public int Size => images.Size;

        public float[] Pixels(string path, Action<string>? warn) => images.Process(path, ImageMode.Pad, warn);

        public RgbImage Seen(RgbImage image) => images.Restore(images.Normalize(images.Resize(image, ImageMode.Pad)));
    }
}
