using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Learning;
using CoIN.Models.Adapters;
using CoIN.Models.Conversation;
using CoIN.Models.Llava;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Generation;

/// <summary>
/// Greedy answers of the base model with an adapter. In float32 the adapter is folded into copies of the weights that it touches; in shorter types, where
/// folding would round the update away, it stays beside them.
/// </summary>
internal sealed class LlavaGenerationSession : IGenerationSession
{
    private readonly LlavaModel model;
    private readonly LlavaModel? merged;
    private readonly LoraAdapter? adapter;
    private readonly ExperimentOptions options;
    private readonly PromptBuilder prompts;
    private readonly ImageLoader images;
    private readonly int endOfSequence;

    public LlavaGenerationSession(
        LlavaModel model, ExperimentOptions options, string? adapterFolder, PromptBuilder prompts, ImageLoader images, int endOfSequence)
    {
        this.model = model;
        this.options = options;
        this.prompts = prompts;
        this.images = images;
        this.endOfSequence = endOfSequence;
        adapter = adapterFolder is null ? null : PeftFolder.Read(adapterFolder, model);
        merged = adapter is not null && model.Language.Dtype == ScalarType.Float32 ? model.Merged(adapter) : null;
    }

    public IReadOnlyList<Prediction> Answer(IReadOnlyList<TestSample> samples, int maxNewTokens)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var sequences = samples.Select(sample => new LlavaSequence(Cut(prompts.Evaluation(sample.Text, sample.Image is not null)), null)).ToList();
        var pictures = samples.Where(sample => sample.Image is not null).Select(sample => (sample.QuestionId, sample.Image!)).ToList();
        var features = pictures.Count == 0 ? null : model.Vision.Forward(images.Load(pictures, model.Device));
        var answers = GreedyGenerator.Generate(
            merged ?? model, sequences, features, merged is null ? adapter : null, maxNewTokens, endOfSequence);
        return [.. samples.Zip(answers, (sample, ids) => new Prediction(sample.QuestionId, prompts.Decode(ids).Trim()))];
    }

    public void Dispose()
    {
        merged?.Language.Dispose();
        adapter?.Dispose();
    }

    private List<int> Cut(IReadOnlyList<int> ids) =>
        EvaluationCut.Apply(ids, model.Config.ImageTokens, EvaluationCut.Limit(options.Model.MaxLength, model.Config.Text.MaxPositions));
}
