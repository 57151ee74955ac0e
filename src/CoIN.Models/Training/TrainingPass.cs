using CoIN.Models.Adapters;
using CoIN.Models.Llava;
using CoIN.Models.Modules;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Training;

/// <summary>
/// Forward and backward of a micro-batch with little memory. With checkpointing (Chen et al. 2016) a layer's activations exist only while its own gradients are computed: the
/// way up keeps each layer's input alone, the way down computes the layer again. The gradients are the same bits either way.
/// </summary>
internal sealed class TrainingPass(LlavaModel model, LoraAdapter adapter, Dropout? dropout, bool checkpointing)
{
    /// <summary>Adds a micro-batch's gradients to those of the adapter.</summary>
    /// <param name="features">[pictures, image tokens, vision size] of the frozen vision tower; null without pictures.</param>
    /// <param name="weight">The micro-batch's part of its step: 1 / micro-batches.</param>
    /// <returns>Mean cross entropy over its labelled tokens, in nats.</returns>
    public double Run(LlavaBatch batch, Tensor? features, double weight)
    {
        using var scope = NewDisposeScope();
        var embedded = model.Embed(batch, features, adapter.Projector);
        return checkpointing ? LayerByLayer(embedded, batch, weight) : InOneGraph(embedded, batch, weight);
    }

    private double InOneGraph(Tensor embedded, LlavaBatch batch, double weight)
    {
        var hidden = model.Language.Forward(embedded, batch.Sequences, adapter, dropout, rows: batch.LabelledRows);
        var (loss, gradient) = LabelledLoss.Compute(model.Language, hidden, batch.Targets, weight);
        hidden.backward([gradient]);
        return loss;
    }

    private double LayerByLayer(Tensor embedded, LlavaBatch batch, double weight)
    {
        var rotation = model.Language.Rotation(batch.Sequences);
        var last = model.Language.Layers.Count - 1;
        var inputs = new Tensor[last + 1];
        inputs[0] = embedded.detach();
        for (var i = 0; i < last; i++)
        {
            using var noGrad = no_grad();
            inputs[i + 1] = Layer(i, inputs[i], batch, rotation);
        }

        // The last layer's gradients are wanted at once: it is computed once, with its graph.
        double loss = 0;
        Tensor? gradient = null;
        for (var i = last; i >= 0; i--)
        {
            using var layerScope = NewDisposeScope();
            using var input = inputs[i];
            input.requires_grad_(i > 0 || embedded.requires_grad);
            var output = Layer(i, input, batch, rotation);
            if (i == last)
            {
                (loss, gradient) = LabelledLoss.Compute(model.Language, output, batch.Targets, weight);
            }

            output.backward([gradient!]);
            gradient!.Dispose();
            gradient = input.requires_grad ? input.grad!.MoveToOuterDisposeScope() : null;
        }

        if (gradient is not null)
        {
            embedded.backward([gradient]);
        }

        return loss;
    }

    private Tensor Layer(int i, Tensor input, LlavaBatch batch, (Tensor Cos, Tensor Sin) rotation)
    {
        dropout?.BeginLayer(i);
        var rows = i == model.Language.Layers.Count - 1 ? batch.LabelledRows : null;
        return model.Language.Layers[i].Forward(input, batch.Sequences, rotation, new AdapterPass(adapter.Scaling, dropout), adapter.Layers[i], null, rows);
    }
}
