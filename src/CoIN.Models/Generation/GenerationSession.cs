using CoIN.Benchmark;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Learning;
using CoIN.Benchmark.Routing;
using CoIN.Models.Adapters;
using CoIN.Models.Computing;
using CoIN.Models.Sequences;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Generation;

/// <summary>
/// Greedy answers of the base model with an adapter. In float32 an adapter that can be folded into copies of the weights that it touches
/// is; in shorter types, where folding rounds, it stays beside them unless the options want it so.
/// </summary>
internal sealed class GenerationSession : IGenerationSession
{
    private readonly IPictureModel model;
    private readonly IPictureModel? merged;
    private readonly IAdapter? adapter;
    private readonly ExperimentOptions options;
    private readonly IPrompts prompts;
    private readonly TestPictures pictures;

    public GenerationSession(IPictureModel model, ExperimentOptions options, string? adapterFolder, IPrompts prompts, TestPictures pictures)
    {
        this.model = model;
        this.options = options;
        this.prompts = prompts;
        this.pictures = pictures;
        adapter = adapterFolder is null
            ? null
            : AdapterKinds.In(adapterFolder).Read(adapterFolder, model.Language, model.Projector, options.Lora);
        if (options.Evaluation.LoraAlpha is { } alpha)
        {
            adapter = adapter?.WithAlpha(alpha);
        }

        (adapter as IRoutedAdapter)?.RecordRouting();

        // Into weights in four bits an adapter is never folded: what was trained is their sum.
        var folds = model.Language.Dtype == ScalarType.Float32 || options.Evaluation.MergeAdapter == AdapterMerging.Rounded;
        merged = folds && adapter is { CanMerge: true } && model.Language.Nf4 is null ? model.Merged(adapter) : null;
    }

    public IReadOnlyList<Prediction> Answer(IReadOnlyList<TestSample> samples, int maxNewTokens)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var sequences = samples
            .Select(sample => new TokenSequence(Cut(sample, prompts.Evaluation(sample.Text, sample.Images.Count)), null))
            .ToList();
        var (features, rows) = pictures.Features(samples);
        var request = new GenerationRequest(sequences, features, maxNewTokens)
        {
            Pictures = rows,
            EndOfSequence = prompts.EndOfSequence,
            FurtherEnds = prompts.FurtherEnds,
        };
        var answers = GreedyGenerator.Generate(merged ?? model, request, merged is null ? adapter : null);
        return [.. samples.Zip(answers, (sample, ids) => new Prediction(sample.QuestionId, prompts.Decode(ids).Trim()))];
    }

    public ExpertRouting? TakeRouting() => (adapter as IRoutedAdapter)?.TakeRouting();

    public void Prepare(IReadOnlyList<TestSample> samples) => pictures.Prepare(samples);

    public void Dispose()
    {
        pictures.Dispose();
        merged?.Language.Dispose();
        adapter?.Dispose();
        HeapPolicy.GiveBack();
    }

    /// <exception cref="CoinException">Its pictures alone leave no room for the question and its answer.</exception>
    private List<int> Cut(TestSample sample, IReadOnlyList<int> ids)
    {
        var limit = EvaluationCut.Limit(options.Model.MaxLength, model.Language.Config.MaxPositions);
        var cut = EvaluationCut.Apply(prompts.Placed(sample.QuestionId, ids, sample.Images), model.ImageTokens, limit);
        return PicturePlace.Positions(cut, model.ImageTokens) <= limit || cut.TrueForAll(id => PicturePlace.Size(id) is null)
            ? cut
            : throw new CoinException(
                $"Sample {sample.QuestionId}: its pictures ({string.Join(", ", sample.Images)}) take {cut.Sum(id => PicturePlace.Is(id) ? PicturePlace.Positions(id, 0) : 0)} "
                    + $"positions, and no more than {limit} are left for a prompt. Raise model.max-length, or make pictures smaller with model.max-pixels."
            );
    }
}
