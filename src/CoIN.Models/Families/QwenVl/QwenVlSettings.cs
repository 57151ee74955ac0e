using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Models.Imaging;
using CoIN.Models.Sequences;

namespace CoIN.Models.Families.QwenVl;

/// <summary>
/// A model's configuration and tokenizer. Its image processor has no file: bicubic to a square, CLIP's mean and deviation.
/// </summary>
internal sealed class QwenVlSettings(QwenVlConfig config, QwenVlTokenizer tokenizer) : IModelSettings
{
    /// <inheritdoc/>
    public ModelShape Shape => config.Shape;

    /// <inheritdoc/>
    /// <remarks>CLIP's colours; a picture of any shape becomes the tower's square.</remarks>
    public IPictureProcessor Pictures { get; } =
        new ClipPictures(new ClipImageProcessor(ImageSettings.Clip(config.Vision.ImageSize)), ImageMode.Squash);

    /// <inheritdoc/>
    public IPrompts Prompts(ModelOptions model, int? maxLength = null, PromptKind evaluation = PromptKind.Trained) =>
        new QwenVlPrompts(tokenizer, evaluation);

    /// <summary>Reads a folder and checks that it fits together.</summary>
    /// <exception cref="CoinException">It does not; the message says all that is wrong.</exception>
    public static QwenVlSettings Read(ModelOptions model)
    {
        var problems = new Problems();
        var (config, tokenizer) = Read(model, problems);
        problems.ThrowIfAny(model.Path);
        return new QwenVlSettings(config!, tokenizer!);
    }

    /// <summary>As <see cref="Read(ModelOptions)"/>, with what is wrong among the problems.</summary>
    /// <returns>What could be read.</returns>
    public static (QwenVlConfig? Config, QwenVlTokenizer? Tokenizer) Read(ModelOptions model, Problems problems)
    {
        var config = problems.Try(() => QwenVlConfig.Read(model.Path, model.MaxLength));
        var tokenizer = problems.Try(() => QwenVlTokenizer.Load(model.Path));
        if (config is not null && tokenizer is not null)
        {
            var file = Path.Combine(model.Path, QwenVlTokenizer.FileName);
            if (
                TokenizerFit.CheckLength(config.Text.VocabularySize, tokenizer.Size, $"{file}, special tokens included,", problems)
                && config.ImageStartId != tokenizer.ImageStartId
            )
            {
                problems.Add(
                    $"{file} has {QwenVlTokenizer.ImageStart} as {tokenizer.ImageStartId}, but the model begins pictures with {config.ImageStartId} "
                        + $"(visual.image_start_id in config.json). {TokenizerFit.Remedy}"
                );
            }
        }

        return (config, tokenizer);
    }
}
