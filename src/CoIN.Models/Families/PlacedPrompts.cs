using System.Collections.Concurrent;
using CoIN.Benchmark;
using CoIN.Benchmark.Data;
using CoIN.Models.Imaging;
using CoIN.Models.Sequences;

namespace CoIN.Models.Families;

/// <summary>
/// Prompts of a model whose pictures keep their size: placeholders get the sizes that their pictures have. A picture's size is read once,
/// from its file's head.
/// </summary>
internal sealed class PlacedPrompts : IPrompts
{
    private readonly IPrompts inner;
    private readonly IPictureProcessor pictures;
    private readonly string root;
    private readonly ConcurrentDictionary<string, int> known = new(StringComparer.Ordinal);

    private PlacedPrompts(IPrompts inner, IPictureProcessor pictures, string root) => (this.inner, this.pictures, this.root) = (inner, pictures, root);

    /// <inheritdoc/>
    public int EndOfSequence => inner.EndOfSequence;

    /// <inheritdoc/>
    public bool AlwaysPictured => inner.AlwaysPictured;

    /// <inheritdoc/>
    public IReadOnlyCollection<int> FurtherEnds => inner.FurtherEnds;

    /// <summary>The prompts themselves where all pictures have the same number of positions.</summary>
    /// <param name="pictures">Null for such a model.</param>
    /// <param name="root">Folder to which the samples' image paths are relative.</param>
    public static IPrompts Of(IPrompts inner, IPictureProcessor? pictures, string root) =>
        pictures?.KeepsSize == true ? new PlacedPrompts(inner, pictures, root) : inner;

    /// <inheritdoc/>
    public TokenizedSample Training(TrainingSample sample) => inner.Training(sample);

    /// <inheritdoc/>
    public string TrainingPrompt(TrainingSample sample) => inner.TrainingPrompt(sample);

    /// <inheritdoc/>
    public IReadOnlyList<int> Evaluation(string question, int pictures) => inner.Evaluation(question, pictures);

    /// <inheritdoc/>
    public string EvaluationPrompt(string question, int pictures) => inner.EvaluationPrompt(question, pictures);

    /// <inheritdoc/>
    public string Decode(IEnumerable<int> ids) => inner.Decode(ids);

    /// <inheritdoc/>
    public string TokenText(int id) => inner.TokenText(id);

    /// <inheritdoc/>
    public IReadOnlyList<int> Placed(string sample, IReadOnlyList<int> ids, IReadOnlyList<string> images)
    {
        var shown = 0;
        return images.Count == 0
            ? ids : [.. ids.Select(id => id == SequenceBatch.ImagePlaceholder && shown < images.Count ? Place(sample, images[shown++]) : id)];
    }

    private int Place(string sample, string image) => known.GetOrAdd(image, _ =>
    {
        try
        {
            var (width, height) = ImageDecoder.SizeOf(Path.Combine(root, image));
            var (rows, columns) = pictures.GridOf(width, height)!.Value;
            return PicturePlace.Of(rows, columns);
        }
        catch (CoinException e)
        {
            throw new CoinException($"Sample {sample}: {e.Message}", e);
        }
    });
}
