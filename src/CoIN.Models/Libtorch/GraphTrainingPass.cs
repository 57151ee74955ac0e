using CoIN.Models.Adapters;
using CoIN.Models.Computing;
using CoIN.Models.Modules;
using CoIN.Models.Sequences;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Libtorch;

/// <summary>
/// Training by libtorch, whose graph finds the gradients: the layers as modules define them, and nothing else. It is what
/// <see cref="LibtorchTrainingPass"/> is compared with, and is taken where <see cref="LibtorchBackend.Variable"/> says so.
/// </summary>
internal sealed class GraphTrainingPass(IPromptedModel model, IBackend backend, IAdapter adapter, Dropout? dropout, bool checkpointing)
    : ITrainingPass
{
    private readonly DecoderModel language = model.Language;
    private readonly IDecoderUpdates updates = adapter.Updates(dropout);

    /// <inheritdoc/>
    public Tensor Run(SequenceBatch batch, Tensor? features, double weight, LogitsGradient? further = null, double entropy = 1)
    {
        using var scope = NewDisposeScope();
        var embedded = model.Embed(batch, features, adapter.Projector);

        // One graph would keep every dequantized weight at once.
        var loss =
            checkpointing || language.Nf4 is not null
                ? LayerByLayer(embedded, batch, weight, further, entropy)
                : InOneGraph(embedded, batch, weight, further, entropy);
        return loss.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public LabelledStates Forward(SequenceBatch batch, Tensor? features)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var embedded = model.Embed(batch, features, adapter.Projector);
        var hidden = language.Forward(
            embedded,
            batch.RotaryPositions,
            new WholeSequences(language.Config, batch.Sequences),
            updates,
            batch.LabelledRows
        );
        return new LabelledStates(backend, language, hidden.DetachFromDisposeScope());
    }

    private Tensor InOneGraph(Tensor embedded, SequenceBatch batch, double weight, LogitsGradient? further, double entropy)
    {
        var hidden = language.Forward(
            embedded,
            batch.RotaryPositions,
            new WholeSequences(language.Config, batch.Sequences),
            updates,
            batch.LabelledRows
        );
        var (loss, gradient) = backend.Loss(language, hidden, batch.Targets, weight, further, entropy, batch.Factors);
        hidden.backward([gradient]);
        return loss;
    }

    private Tensor LayerByLayer(Tensor embedded, SequenceBatch batch, double weight, LogitsGradient? further, double entropy)
    {
        var attention = new WholeSequences(language.Config, batch.Sequences);
        var rotation = language.Rotation(batch.RotaryPositions);
        var last = language.Layers.Count - 1;
        Tensor Layer(int i, Tensor input) =>
            language.Layers[i].Forward(input, i, rotation, attention, updates.Layer(i), i == last ? batch.LabelledRows : null);
        var inputs = new Tensor[last + 1];
        inputs[0] = embedded.detach();
        for (var i = 0; i < last; i++)
        {
            using var noGrad = no_grad();
            inputs[i + 1] = Layer(i, inputs[i]);
        }

        // The last layer's gradients are wanted at once: it is computed once, with its graph.
        Tensor? loss = null;
        Tensor? gradient = null;
        for (var i = last; i >= 0; i--)
        {
            using var layerScope = NewDisposeScope();
            using var input = inputs[i];
            input.requires_grad_(i > 0 || embedded.requires_grad);
            var output = Layer(i, input);
            if (i == last)
            {
                (loss, gradient) = backend.Loss(language, output, batch.Targets, weight, further, entropy, batch.Factors);
                loss.MoveToOuterDisposeScope();
            }

            output.backward([gradient!]);
            gradient!.Dispose();
            gradient = input.requires_grad ? input.grad!.MoveToOuterDisposeScope() : null;
        }

        if (gradient is not null)
        {
            embedded.backward([gradient]);
        }

        return loss!;
    }
}
