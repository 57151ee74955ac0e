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
    private readonly Func<string, (int Rows, int Columns)> gridOf;
    private readonly ConcurrentDictionary<string, int> known = new(StringComparer.Ordinal);

    private PlacedPrompts(IPrompts inner, Func<string, (int Rows, int Columns)> gridOf) => (this.inner, this.gridOf) = (inner, gridOf);

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
        pictures?.KeepsSize != true ? inner : Of(inner, image =>
            {
                var (width, height) = ImageDecoder.SizeOf(Path.Combine(root, image));
                return pictures.GridOf(width, height)!.Value;
            });

    /// <summary>The prompts with pictures whose sizes are known otherwise.</summary>
    /// <param name="gridOf">Rows and columns of positions of the picture that a sample names.</param>
    public static IPrompts Of(IPrompts inner, Func<string, (int Rows, int Columns)> gridOf) => new PlacedPrompts(inner, gridOf);

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
            ? ids
            : [.. ids.Select(id => id == SequenceBatch.ImagePlaceholder && shown < images.Count ? Place(sample, images[shown++]) : id)];
    }

    private int Place(string sample, string image) => known.GetOrAdd(image, _ =>
        {
            try
            {
                var (rows, columns) = gridOf(image);
                return PicturePlace.Of(rows, columns);
            }
            catch (CoinException e)
            {
                throw new CoinException($"Sample {sample}: {e.Message}", e);
            }
        });
}
