using CoIN.Models.Adapters;
using CoIN.Models.Kernels;
using CoIN.Models.Llava;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Training;

/// <summary>Training by <see cref="CpuKernels"/>: the language model's way there and back without a graph, see <see cref="LayerTape"/>. The projector has its graph, as it is small.</summary>
internal sealed class KernelTrainingPass(LlavaModel model, LoraAdapter adapter, Dropout? dropout, bool checkpointing) : ITrainingPass
{
    /// <inheritdoc/>
    public double Run(LlavaBatch batch, Tensor? features, double weight)
    {
        using var scope = NewDisposeScope();
        var embedded = model.Embed(batch, features, adapter.Projector);
        double loss;
        Tensor? gradient;
        using (no_grad())
        {
            (loss, gradient) = Language(embedded, batch, weight);
        }

        if (gradient is not null)
        {
            embedded.backward([gradient]);
        }

        return loss;
    }

    /// <summary>The language model's part.</summary>
    /// <returns>The loss, and the embeddings' gradient if they want one.</returns>
    private (double Loss, Tensor? Gradient) Language(Tensor embedded, LlavaBatch batch, double weight)
    {
        var last = model.Language.Layers.Count - 1;
        var tapes = new LayerTape?[last + 1];
        var inputs = new Tensor[last + 1];
        LayerPass whole = Pass(batch.Sequences.Lengths, null), labelled = Pass(batch.Sequences.Lengths, batch.LabelledRows.data<long>().ToArray());
        Tensor Layer(int i)
        {
            dropout?.BeginLayer(i);
            return LayerTape.Forward(
                model.Language.Layers[i], adapter.Layers[i], i == last ? labelled : whole, inputs[i], i == last ? batch.LabelledRows : null, out tapes[i]!);
        }

        try
        {
            inputs[0] = embedded.detach().contiguous();
            for (var i = 0; i < last; i++)
            {
                inputs[i + 1] = Layer(i);
                if (checkpointing)
                {
                    tapes[i]!.Dispose();
                    tapes[i] = null;
                }
            }

            var hidden = Layer(last);
            var (loss, gradient) = LabelledLoss.ComputeByKernels(model.Language, hidden, batch.Targets, weight);
            hidden.Dispose();
            Tensor? passed = gradient;
            for (var i = last; i >= 0; i--)
            {
                if (tapes[i] is null)
                {
                    Layer(i).Dispose();
                }

                var next = tapes[i]!.Backward(passed!, i > 0 || embedded.requires_grad);
                tapes[i]!.Dispose();
                tapes[i] = null;
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

    private LayerPass Pass(IReadOnlyList<int> lengths, IReadOnlyList<long>? rows)
    {
        var sequences = new List<AttendedSequence>();
        int from = 0, row = 0;
        foreach (var length in lengths)
        {
            var end = from + length;
            IReadOnlyList<int> queries = rows is null
                ? [.. Enumerable.Range(0, length)] : [.. rows.Skip(row).TakeWhile(position => position < end).Select(position => (int)position - from)];
            sequences.Add(new AttendedSequence(from, length, queries, row));
            row += queries.Count;
            from = end;
        }

        return new LayerPass(model.Language.Config, sequences, model.Language.Rotations, adapter.Scaling, dropout);
    }
}
