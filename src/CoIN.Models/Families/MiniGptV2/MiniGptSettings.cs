using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Models.Imaging;
using CoIN.Models.Sequences;
using CoIN.Models.Tokenization;

namespace CoIN.Models.Families.MiniGptV2;

/// <summary>A model's configuration and tokenizer; its image processor follows from the configuration.</summary>
internal sealed class MiniGptSettings(MiniGptConfig config, ITextTokenizer tokenizer) : IModelSettings
{
    /// <inheritdoc/>
    public ModelShape Shape => config.Shape;

    /// <inheritdoc/>
    /// <remarks>CLIP's colours; a picture of any shape becomes the tower's square.</remarks>
    public IPictureProcessor Pictures { get; } =
        new ClipPictures(new ClipImageProcessor(ImageSettings.Clip(config.Vision.ImageSize)), ImageMode.Squash);

    /// <inheritdoc/>
    public IPrompts Prompts(ModelOptions model, int? maxLength = null, PromptKind evaluation = PromptKind.Trained) =>
        new MiniGptPrompts(tokenizer);

    /// <summary>Reads everything but the weights and checks that it fits together.</summary>
    /// <exception cref="CoinException">It does not; the message says all that is wrong.</exception>
    public static MiniGptSettings Read(MiniGptSource source)
    {
        var problems = new Problems();
        var (config, tokenizer) = Read(source, problems);
        problems.ThrowIfAny(source.Name);
        return new MiniGptSettings(config!, tokenizer!);
    }

    /// <summary>As <see cref="Read(MiniGptSource)"/>, with what is wrong among the problems.</summary>
    /// <returns>What could be read.</returns>
    public static (MiniGptConfig? Config, ITextTokenizer? Tokenizer) Read(MiniGptSource source, Problems problems)
    {
        var config = problems.Try(() => MiniGptConfig.Read(source));
        var tokenizer = problems.Try(() => LlamaTokenizers.Load(source.Language));
        if (config is not null && tokenizer is not null)
        {
            TokenizerFit.CheckLength(config.Text.VocabularySize, tokenizer, LlamaTokenizers.FileOf(source.Language)!, problems);
        }

        return (config, tokenizer);
    }
}
