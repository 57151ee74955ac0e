using CoIN.Models.Adapters;
using CoIN.Models.Modules;
using CoIN.Models.Sequences;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Computing;

/// <summary>
/// Training of the language model layer by layer without a graph: every layer leaves a tape of what its backward pass needs. The projector
/// has its graph, as it is small.
/// </summary>
internal abstract class TapedTrainingPass(IPromptedModel model, IBackend backend, IAdapter adapter, bool checkpointing) : ITrainingPass
{
    protected DecoderModel Language { get; } = model.Language;

    /// <inheritdoc/>
    public Tensor Run(SequenceBatch batch, Tensor? features, double weight, LogitsGradient? further = null, double entropy = 1)
    {
        using var scope = NewDisposeScope();
        var embedded = model.Embed(batch, features, adapter.Projector);
        Tensor loss;
        Tensor? gradient;
        using (no_grad())
        {
            (loss, gradient) = WithoutGraph(embedded, batch, weight, further, entropy);
        }

        if (gradient is not null)
        {
            embedded.backward([gradient]);
        }

        return loss.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public LabelledStates Forward(SequenceBatch batch, Tensor? features)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var layers = Begin(batch);
        var x = model.Embed(batch, features, adapter.Projector).contiguous();
        for (var i = 0; i < Language.Layers.Count; i++)
        {
            x = layers.Infer(i, x);
        }

        return new LabelledStates(backend, Language, x.DetachFromDisposeScope());
    }

    /// <summary>What is the same for all layers of a micro-batch. The dispose scope that is open has it.</summary>
    protected abstract ITapedLayers Begin(SequenceBatch batch);

    /// <summary>
    /// Places for the layers' outputs that lie beside one another: scattered between all that comes and goes they would leave gaps in the
    /// heap, which only allocators of size classes and a GPU's are spared.
    /// </summary>
    private static IReadOnlyList<Tensor> Together(Tensor first, int layers) =>
        layers == 0 ? [] : [.. empty([layers, .. first.shape], first.dtype, first.device).unbind()];

    /// <summary>The language model's part.</summary>
    /// <returns>The loss, and the embeddings' gradient if they want one.</returns>
    private (Tensor Loss, Tensor? Gradient) WithoutGraph(
        Tensor embedded,
        SequenceBatch batch,
        double weight,
        LogitsGradient? further,
        double entropy
    )
    {
        var last = Language.Layers.Count - 1;
        var tapes = new ILayerTape?[last + 1];
        var inputs = new Tensor[last + 1];
        var layers = Begin(batch);
        Tensor Layer(int i) => layers.Forward(i, inputs[i], out tapes[i]);

        void Drop(int i)
        {
            tapes[i]!.Dispose();
            tapes[i] = null;
        }

        try
        {
            inputs[0] = embedded.detach().contiguous();
            var together = checkpointing && embedded.device_type == DeviceType.CPU ? Together(inputs[0], last) : null;
            for (var i = 0; i < last; i++)
            {
                inputs[i + 1] = Layer(i);
                if (checkpointing)
                {
                    Drop(i);
                }

                if (together is not null)
                {
                    using var output = inputs[i + 1];
                    inputs[i + 1] = together[i].copy_(output);
                }
            }

            var hidden = Layer(last);
            var (loss, gradient) = backend.Loss(Language, hidden, batch.Targets, weight, further, entropy, batch.Factors);
            hidden.Dispose();
            Tensor? passed = gradient;
            for (var i = last; i >= 0; i--)
            {
                if (tapes[i] is null)
                {
                    layers.Again(i, inputs[i], out tapes[i]);
                }

                var next = tapes[i]!.Backward(passed!, i > 0 || embedded.requires_grad);
                Drop(i);
                inputs[i].Dispose();
                if (!ReferenceEquals(next, passed))
                {
                    passed!.Dispose();
                }

                passed = next;
            }

            return (loss, passed);
        }
        finally
        {
            foreach (var tape in tapes)
            {
                tape?.Dispose();
            }
        }
    }
}

/// <summary>The decoder's layers for the sequences of one micro-batch; gradients are off.</summary>
internal interface ITapedLayers
{
    /// <summary>A layer's forward pass.</summary>
    /// <param name="x">[N, hidden size]. Its memory may be used for the result.</param>
    /// <returns>[N, hidden size]; labelled positions alone of the last layer.</returns>
    Tensor Infer(int layer, Tensor x);

    /// <summary>The same with what the backward pass will need.</summary>
    /// <param name="x">[N, hidden size]; not changed, and to be kept until the tape is used.</param>
    Tensor Forward(int layer, Tensor x, out ILayerTape? tape);

    /// <summary>The same once more, for the tape alone.</summary>
    void Again(int layer, Tensor x, out ILayerTape? tape) => Forward(layer, x, out tape).Dispose();
}

/// <summary>What a layer's backward pass needs of its forward pass.</summary>
internal interface ILayerTape : IDisposable
{
    /// <summary>The backward pass: adds to the gradients of the updates' parameters. What was kept is used up.</summary>
    /// <param name="gradient">Of the output. Its memory is used.</param>
    /// <param name="wanted">Whether the input's gradient is.</param>
    /// <returns>[N, hidden size], or null; <paramref name="gradient"/> itself where the sizes are the same.</returns>
    Tensor? Backward(Tensor gradient, bool wanted);
}
