using CoIN.Benchmark;
using CoIN.Benchmark.Data;
using CoIN.Models.Computing;
using static TorchSharp.torch;

namespace CoIN.Models.Methods;

/// <summary>A stage, as its method sees it.</summary>
/// <param name="Number">From 1.</param>
/// <param name="Name">What it learns, for people.</param>
/// <param name="Seed">The experiment's; whatever a method draws has to follow from it, the stage and the step alone.</param>
/// <param name="Device">Where parameters are.</param>
/// <param name="Images">The folder to which paths of samples' images are relative.</param>
/// <param name="Warn">Receives sentences about what is unusual but not wrong.</param>
internal sealed record StageInfo(int Number, string Name, int Seed, Device Device, string Images, Action<string> Warn)
{
    /// <summary>A seed of this stage.</summary>
    /// <param name="parts">What it is for, and more on which it depends.</param>
    public long SeedOf(Draws what, params ReadOnlySpan<long> parts) => SeededRandom.Combine([Seed, Number, (long)what, .. parts]);
}

/// <summary>What methods draw; the numbers belong to seeds, and the data order and dropout have others.</summary>
internal enum Draws
{
    /// <summary>Samples whose gradients are squared.</summary>
    Fisher = 10,

    /// <summary>Samples that are kept for later stages.</summary>
    Kept = 11,

    /// <summary>Kept samples of a step.</summary>
    Rehearsed = 12,
}

/// <summary>The samples of a micro-batch.</summary>
/// <param name="Labelled">Labelled positions of each, in the order of the logits' rows.</param>
/// <param name="Rehearsed">Whether it is of <see cref="TrainingMethod.Rehearsed"/>.</param>
/// <param name="Forward">
/// A forward pass of it with the parameters as they are at this moment, without dropout. The caller disposes of the result.
/// </param>
internal sealed record MethodBatch(
    IReadOnlyList<TrainingSample> Samples,
    IReadOnlyList<int> Labelled,
    bool Rehearsed,
    Func<LabelledStates> Forward
);

/// <summary>
/// A method of continual learning, as far as it changes training: it overrides the hooks that it needs. One object sees one stage, on one
/// thread; what outlives it is <see cref="State"/>, which is saved and comes back by itself. Hooks run without gradients being recorded,
/// and tensors made in them are freed behind them unless they are put into the state.
/// </summary>
internal abstract class TrainingMethod : IDisposable
{
    /// <summary>The stage.</summary>
    public StageInfo Stage { get; internal set; } = new(0, "", 0, CPU, "", _ => { });

    /// <summary>What is trained, by name. Not there yet in <see cref="Samples"/>.</summary>
    public IReadOnlyList<TrainedParameter> Parameters { get; internal set; } = [];

    /// <summary>What the adapter holds fixed beside what is trained, by the same names; not to be changed. Mostly nothing.</summary>
    public IReadOnlyDictionary<string, Tensor> Frozen { get; internal set; } = new Dictionary<string, Tensor>();

    /// <summary>
    /// What the method keeps: at the beginning of a stage that of the stage whose adapter is trained further, at a resume that of the
    /// checkpoint. Changed at the beginning, after steps and behind the last pass of <see cref="EndStage"/> only: what comes before the
    /// end of a step or of the stage is done again where a run is stopped in it.
    /// </summary>
    public MethodState State { get; } = new();

    /// <summary>Where the state's tensors are after they were read.</summary>
    public virtual Device StateDevice => Stage.Device;

    /// <summary>
    /// The stage's training samples: may add some, replace or leave out. Asked at every resume too, with the state of the stage before, and
    /// has to answer the same.
    /// </summary>
    /// <param name="samples">Of the stage's tasks.</param>
    public virtual IReadOnlyList<TrainingSample> Samples(IReadOnlyList<TrainingSample> samples) => samples;

    /// <summary>The stage begins, with the parameters as it finds them. Not called at a resume.</summary>
    public virtual void BeginStage() { }

    /// <summary>
    /// Further samples of a step, behind its own: one more micro-batch, with dropout, whose only loss is that of
    /// <see cref="LogitsGradient"/>, with the factor 1.
    /// </summary>
    /// <param name="step">Steps done.</param>
    public virtual IReadOnlyList<TrainingSample> Rehearsed(int step) => [];

    /// <summary>A micro-batch is about to run. Parameters that are changed here have to be as they were when it is over.</summary>
    public virtual void BeforeBatch(MethodBatch batch) { }

    /// <summary>
    /// A further term of a micro-batch's loss, as its gradient with respect to the logits (soft targets). Called for some labelled
    /// positions after the others.
    /// </summary>
    /// <returns>Shaped as the logits; null for none.</returns>
    public virtual Tensor? LogitsGradient(MethodBatch batch, LabelledLogits rows) => null;

    /// <summary>
    /// All gradients of a step are there, before their norm is taken and clipped: may add to <see cref="TrainedParameter.Gradient"/>. Once
    /// a step, whatever the accumulation.
    /// </summary>
    public virtual void AddGradients() { }

    /// <summary>The optimizer has changed the parameters.</summary>
    /// <param name="step">Steps done, this one included.</param>
    public virtual void AfterStep(int step) { }

    /// <summary>
    /// All steps are done. Yields passes over single samples, one by one; when it goes on, a pass's results are there. Behind the last one
    /// the state is changed, and the parameters may be: they are saved as the stage's adapter.
    /// </summary>
    /// <param name="samples">That were trained on, those that <see cref="Samples"/> added among them.</param>
    public virtual IEnumerable<SamplePass> EndStage(IReadOnlyList<TrainingSample> samples) => [];

    public virtual void Dispose()
    {
        State.Dispose();
        foreach (var parameter in Parameters)
        {
            parameter.Dispose();
        }

        foreach (var tensor in Frozen.Values)
        {
            tensor.Dispose();
        }

        GC.SuppressFinalize(this);
    }
}
