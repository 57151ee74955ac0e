using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Learning;
using CoIN.Models.Families;
using CoIN.Models.Generation;
using CoIN.Models.Imaging;
using CoIN.Models.Methods;
using CoIN.Models.Sequences;
using CoIN.Models.Training;

namespace CoIN.Models.Learning;

/// <summary>A base model on one device, for an experiment.</summary>
/// <param name="features">Features of test pictures, for all sessions on the device.</param>
/// <param name="lease">That somebody works with the base model; given back with the learner.</param>
/// <param name="within">The adapter that the model's own files hold; null for none.</param>
internal sealed class Learner(
    LoadedModel loaded,
    FeatureCache features,
    ExperimentOptions options,
    TrainingMethods methods,
    Action<string> warn,
    IBaseLease lease,
    string? within = null
) : ILearner
{
    /// <summary>What the first stage begins with.</summary>
    private readonly string? from = options.Lora.From ?? within;

    private readonly IPrompts prompts = PlacedPrompts.Of(
        loaded.Settings.Prompts(options.Model, evaluation: options.Evaluation.Prompt),
        loaded.Settings.Pictures,
        options.Data.Images
    );

    private readonly ImageLoader images = new(options.Data.Images, loaded.Settings.Pictures, warn);

    public string BaseModelSha256 => loaded.Sha256;

    /// <summary>The first stage begins with the adapter that the options name, else with the one that the model's own files hold.</summary>
    public ITrainingSession OpenTraining(StageTraining stage) =>
        new TrainingSession(loaded.Model, options, stage with { Adapter = stage.Adapter ?? from }, prompts, images, methods, warn);

    /// <summary>
    /// What answers without a stage's adapter is what the first stage would begin with: an adapter as there, or the base model alone.
    /// </summary>
    public IGenerationSession OpenGeneration(string? adapter) =>
        new GenerationSession(
            loaded.Model,
            options,
            adapter ?? from,
            prompts,
            new TestPictures(options, images, features, prompts.AlwaysPictured)
        );

    public void Rest(Action close) => lease.Rest(close);

    public bool Wake() => lease.Wake();

    /// <summary>The base model is the factory's.</summary>
    public void Dispose() => lease.Dispose();
}
