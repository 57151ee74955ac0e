using CoIN.Benchmark.Data;
using CoIN.Models.Computing;
using static TorchSharp.torch;

namespace CoIN.Models.Methods;

/// <summary>A stage, as its method sees it.</summary>
/// <param name="Number">From 1.</param>
/// <param name="Name">What it learns, for people.</param>
/// <param name="Seed">The experiment's; whatever a method draws has to follow from it, the stage and the step alone.</param>
/// <param name="Device">Where parameters and state are.</param>
internal sealed record StageInfo(int Number, string Name, int Seed, Device Device);

/// <summary>The samples of a micro-batch.</summary>
/// <param name="Labelled">Labelled positions of each, in the order of the logits' rows.</param>
/// <param name="AtEnd">Whether it is a sample by itself at the end of a stage, see <see cref="TrainingMethod.EndStage"/>.</param>
internal sealed record MethodBatch(IReadOnlyList<TrainingSample> Samples, IReadOnlyList<int> Labelled, bool AtEnd);

/// <summary>
/// A method of continual learning, as far as it changes training: it overrides the hooks that it needs. One object sees one stage, on one
/// thread; what outlives it is <see cref="State"/>, which is saved and comes back by itself. Hooks run without gradients being recorded,
/// and tensors made in them are freed behind them unless they are put into the state.
/// </summary>
internal abstract class TrainingMethod : IDisposable
{
    /// <summary>The stage.</summary>
    public StageInfo Stage { get; internal set; } = new(0, "", 0, CPU);

    /// <summary>What is trained, by name. Not there yet in <see cref="Samples"/>.</summary>
    public IReadOnlyList<TrainedParameter> Parameters { get; internal set; } = [];

    /// <summary>
    /// What the method keeps: at the beginning of a stage that of the stage whose adapter is trained further, at a resume that of the
    /// checkpoint. Not to be changed in <see cref="Samples"/> and <see cref="LogitsGradient"/>, nor in <see cref="EndStage"/> before its
    /// last sample: a stage that is stopped there does them again.
    /// </summary>
    public MethodState State { get; } = new();

    /// <summary>
    /// The stage's training samples: may add some, replace or leave out. Asked at every resume too, with the state of the stage before, and
    /// has to answer the same.
    /// </summary>
    /// <param name="samples">Of the stage's tasks.</param>
    public virtual IReadOnlyList<TrainingSample> Samples(IReadOnlyList<TrainingSample> samples) => samples;

    /// <summary>The stage begins, with the parameters as it finds them. Not called at a resume.</summary>
    public virtual void BeginStage()
    {
    }

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
    public virtual void AddGradients()
    {
    }

    /// <summary>The optimizer has changed the parameters.</summary>
    /// <param name="step">Steps done, this one included.</param>
    public virtual void AfterStep(int step)
    {
    }

    /// <summary>
    /// All steps are done. Yields the numbers of samples one by one; when it goes on, <see cref="TrainedParameter.Gradient"/> is that
    /// sample's own gradient: of the mean cross entropy of its labelled tokens (and of what <see cref="LogitsGradient"/> adds), without
    /// dropout. Behind the last one the parameters may be changed: they are saved as the stage's adapter.
    /// </summary>
    /// <param name="samples">That were trained on.</param>
    public virtual IEnumerable<int> EndStage(IReadOnlyList<TrainingSample> samples) => [];

    public virtual void Dispose()
    {
        State.Dispose();
        foreach (var parameter in Parameters)
        {
            parameter.Dispose();
        }

        GC.SuppressFinalize(this);
    }
}
