using CoIN.Models.Adapters;
using CoIN.Models.Kernels;
using CoIN.Models.Llava;
using CoIN.Models.Modules;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Training;

/// <summary>Training by libtorch, whose graph finds the gradients: on GPUs, in short types, and on processors that <see cref="CpuKernels"/> are not for.</summary>
internal sealed class GraphTrainingPass(LlavaModel model, LoraAdapter adapter, Dropout? dropout, bool checkpointing) : ITrainingPass
{
    /// <inheritdoc/>
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
