using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Learning;
using CoIN.Models.Adapters;
using CoIN.Models.Conversation;
using CoIN.Models.Llava;
using CoIN.Models.Torch;
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
    private readonly TestPictures pictures;
    private readonly int endOfSequence;

    public LlavaGenerationSession(
        LlavaModel model, ExperimentOptions options, string? adapterFolder, PromptBuilder prompts, TestPictures pictures, int endOfSequence)
    {
        this.model = model;
        this.options = options;
        this.prompts = prompts;
        this.pictures = pictures;
        this.endOfSequence = endOfSequence;
        adapter = adapterFolder is null ? null : PeftFolder.Read(adapterFolder, model);
        merged = adapter is not null && model.Language.Dtype == ScalarType.Float32 ? model.Merged(adapter) : null;
    }

    public IReadOnlyList<Prediction> Answer(IReadOnlyList<TestSample> samples, int maxNewTokens)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var sequences = samples.Select(sample => new LlavaSequence(Cut(prompts.Evaluation(sample.Text, sample.Image is not null)), null)).ToList();
        var (features, rows) = pictures.Features(samples);
        var request = new GenerationRequest(sequences, features, maxNewTokens) { Pictures = rows, EndOfSequence = endOfSequence };
        var answers = GreedyGenerator.Generate(merged ?? model, request, merged is null ? adapter : null);
        return [.. samples.Zip(answers, (sample, ids) => new Prediction(sample.QuestionId, prompts.Decode(ids).Trim()))];
    }

    public void Prepare(IReadOnlyList<TestSample> samples) => pictures.Prepare(samples);

    public void Dispose()
    {
        pictures.Dispose();
        merged?.Language.Dispose();
        adapter?.Dispose();
        HeapPolicy.GiveBack();
    }

    private List<int> Cut(IReadOnlyList<int> ids) =>
        EvaluationCut.Apply(ids, model.Config.ImageTokens, EvaluationCut.Limit(options.Model.MaxLength, model.Config.Text.MaxPositions));
}
