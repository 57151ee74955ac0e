using CoIN.Benchmark;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Models.Imaging;
using CoIN.Models.Sequences;
using CoIN.Models.Tokenization;

namespace CoIN.Models.Llava;

/// <summary>Shows samples as a LLaVA model gets them: with its tokenizer, its conversation template and its image processor, without its weights.</summary>
public sealed class LlavaSampleRenderer : ISampleRenderer
{
    private readonly LlavaConfig config;
    private readonly SentencePieceTokenizer tokenizer;
    private readonly ClipImageProcessor processor;
    private readonly PromptBuilder prompts;
    private readonly PromptBuilder uncut;
    private readonly int maxLength;
    private readonly string imageRoot;

    private LlavaSampleRenderer(LlavaConfig config, SentencePieceTokenizer tokenizer, ClipImageProcessor processor, ModelOptions options, string imageRoot)
    {
        (this.config, this.tokenizer, this.processor, this.imageRoot) = (config, tokenizer, processor, imageRoot);
        maxLength = options.MaxLength;
        var template = ConversationTemplates.Get(options.Conversation);
        prompts = new PromptBuilder(tokenizer, template, maxLength);
        uncut = new PromptBuilder(tokenizer, template, int.MaxValue);
    }

    /// <summary>Reads the settings of a model folder.</summary>
    /// <param name="imageRoot">Folder to which the samples' image paths are relative.</param>
    /// <exception cref="CoinException">Something of the folder is missing or does not fit together.</exception>
    public static LlavaSampleRenderer Open(ModelOptions options, string imageRoot)
    {
        var (config, tokenizer, processor) = LlavaBase.ReadSettings(LlavaSource.Of(options));
        return new LlavaSampleRenderer(config, tokenizer, processor, options, imageRoot);
    }

    /// <inheritdoc/>
    public SampleView Render(TrainingSample sample)
    {
        var tokens = prompts.Training(sample);

        // Samples of text alone come already cut.
        var all = tokens.Ids.Count < maxLength ? tokens.Ids : uncut.Training(sample).Ids;
        var views = new TokenView[all.Count];
        var position = 0;
        for (var i = 0; i < views.Length; i++)
        {
            var isImage = all[i] == SequenceBatch.ImagePlaceholder;
            var next = position + (isImage ? config.ImageTokens : 1);

            // The first token has none before it that could be asked for it.
            var isLearned = i > 0 && i < tokens.Labels.Count && tokens.Labels[i] != SequenceBatch.Ignored;
            views[i] = View(all[i], isLearned, isCut: next > maxLength);
            position = next;
        }

        return new SampleView(prompts.TrainingPrompt(sample), views, config.ImageTokens, maxLength);
    }

    /// <inheritdoc/>
    public SampleView Render(TestSample sample)
    {
        var hasImage = sample.Image is not null;
        var ids = prompts.Evaluation(sample.Text, hasImage);
        var limit = EvaluationCut.Limit(maxLength, config.Text.MaxPositions);
        var (start, count) = EvaluationCut.Range(ids, config.ImageTokens, limit);
        return new SampleView(
            prompts.EvaluationPrompt(sample.Text, hasImage), [.. ids.Select((id, i) => View(id, isLearned: false, isCut: i >= start && i < start + count))],
            config.ImageTokens, limit);
    }

    /// <inheritdoc/>
    public PictureView SavePicture(string image, string path)
    {
        var source = ImageDecoder.Decode(Path.Combine(imageRoot, image));
        var values = processor.Normalize(processor.Resize(source, ImageMode.Pad));
        PngFile.Write(path, processor.Restore(values));
        return new PictureView(source.Width, source.Height, processor.Size);
    }

    private TokenView View(int id, bool isLearned, bool isCut) => id == SequenceBatch.ImagePlaceholder
        ? new TokenView(id, "<image>", IsImage: true, isLearned, isCut)
        : new TokenView(id, tokenizer.PieceText(id), IsImage: false, isLearned, isCut);
}
