using CoIN.Benchmark;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Models.Families;
using CoIN.Models.Imaging;
using CoIN.Models.Sequences;

namespace CoIN.Models.Learning;

/// <summary>
/// Shows samples as a model gets them: with its tokenizer, its conversation template and its image processor, without its weights.
/// </summary>
public sealed class SampleRenderer : ISampleRenderer
{
    private readonly ModelShape shape;
    private readonly IPictureProcessor pictures;
    private readonly IPrompts prompts;
    private readonly IPrompts uncut;
    private readonly int maxLength;
    private readonly string imageRoot;

    private SampleRenderer(IModelSettings settings, ModelOptions options, string imageRoot, PromptKind evaluation)
    {
        (shape, pictures, this.imageRoot) = (settings.Shape, settings.Pictures, imageRoot);
        maxLength = options.MaxLength;
        prompts = PlacedPrompts.Of(settings.Prompts(options, evaluation: evaluation), pictures, imageRoot);
        uncut = settings.Prompts(options, int.MaxValue);
    }

    /// <summary>Reads the settings of a model folder.</summary>
    /// <param name="imageRoot">Folder to which the samples' image paths are relative.</param>
    /// <param name="evaluation">How questions are put.</param>
    /// <exception cref="CoinException">Something of the folder is missing or does not fit together.</exception>
    public static SampleRenderer Open(ModelOptions options, string imageRoot, PromptKind evaluation = PromptKind.Trained) =>
        new(ModelFamilies.Of(options).Read(options), options, imageRoot, evaluation);

    /// <inheritdoc/>
    public SampleView Render(TrainingSample sample)
    {
        var tokens = prompts.Training(sample);

        // Samples of text alone come already cut.
        var all = prompts.Placed(sample.Id, tokens.Ids.Count < maxLength ? tokens.Ids : uncut.Training(sample).Ids, sample.Images);
        var views = new TokenView[all.Count];
        var position = 0;
        for (var i = 0; i < views.Length; i++)
        {
            var next = position + PicturePlace.Positions(all[i], shape.ImageTokens);

            // The first token has none before it that could be asked for it.
            var isLearned = i > 0 && i < tokens.Labels.Count && tokens.Labels[i] != SequenceBatch.Ignored;
            views[i] = View(all[i], isLearned, isCut: next > maxLength);
            position = next;
        }

        return new SampleView(prompts.TrainingPrompt(sample), views, maxLength);
    }

    /// <inheritdoc/>
    public SampleView Render(TestSample sample)
    {
        var pictures = sample.Images.Count;
        var ids = prompts.Placed(sample.QuestionId, prompts.Evaluation(sample.Text, pictures), sample.Images);
        var limit = EvaluationCut.Limit(maxLength, shape.Text.MaxPositions);
        var (start, count) = EvaluationCut.Range(ids, shape.ImageTokens, limit);
        return new SampleView(
            prompts.EvaluationPrompt(sample.Text, pictures),
            [.. ids.Select((id, i) => View(id, isLearned: false, isCut: i >= start && i < start + count))],
            limit
        );
    }

    /// <inheritdoc/>
    public PictureView SavePicture(string image, string path)
    {
        var source = ImageDecoder.Decode(Path.Combine(imageRoot, image));
        var seen = pictures.Seen(source);
        PngFile.Write(path, seen);
        return new PictureView(source.Width, source.Height, seen.Width, seen.Height);
    }

    private TokenView View(int id, bool isLearned, bool isCut) =>
        PicturePlace.Is(id)
            ? new TokenView(id, "<image>", IsImage: true, isLearned, isCut, PicturePlace.Positions(id, shape.ImageTokens))
            : new TokenView(id, prompts.TokenText(id), IsImage: false, isLearned, isCut);
}
