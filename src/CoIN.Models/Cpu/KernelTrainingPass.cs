using CoIN.Models.Adapters;
using CoIN.Models.Computing;
using CoIN.Models.Cpu.Kernels;
using CoIN.Models.Modules;
using CoIN.Models.Sequences;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Cpu;

/// <summary>
/// Training by <see cref="CpuKernels"/>: the language model forward and backward without a graph, see <see cref="LayerTape"/>. The
/// projector has its graph, as it is small.
/// </summary>
internal sealed class KernelTrainingPass(IPromptedModel model, IBackend backend, IAdapter adapter, Dropout? dropout, bool checkpointing) : ITrainingPass
{
    private readonly DecoderModel language = model.Language;
    private readonly IDecoderUpdates updates = adapter.Updates(dropout);

    /// <inheritdoc/>
    public Tensor Run(SequenceBatch batch, Tensor? features, double weight, LogitsGradient? further = null, double entropy = 1)
    {
        using var scope = NewDisposeScope();
        var embedded = model.Embed(batch, features, adapter.Projector);
        Tensor loss;
        Tensor? gradient;
        using (no_grad())
        {
            (loss, gradient) = Language(embedded, batch, weight, further, entropy);
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
        var last = language.Layers.Count - 1;
        var table = RotationTable.Of(language, batch.Axes);
        var x = model.Embed(batch, features, adapter.Projector).contiguous();
        for (var i = 0; i <= last; i++)
        {
            x = CpuDecoder.Layer(
                language, i, updates.Layer(i), x, Attention(batch, table, i == last ? batch.LabelledRows : null));
        }

        return new LabelledStates(backend, language, x.DetachFromDisposeScope());
    }

    /// <summary>The language model's part.</summary>
    /// <returns>The loss, and the embeddings' gradient if they want one.</returns>
    private (Tensor Loss, Tensor? Gradient) Language(
        Tensor embedded, SequenceBatch batch, double weight, LogitsGradient? further, double entropy)
    {
        var last = language.Layers.Count - 1;
        var tapes = new LayerTape?[last + 1];
        var inputs = new Tensor[last + 1];
        var table = RotationTable.Of(language, batch.Axes);
        SequenceAttention whole = Attention(batch, table, null), labelled = Attention(batch, table, batch.LabelledRows);
        Tensor Layer(int i)
        {
            var attention = i == last ? labelled : whole;
            var tape = tapes[i] = new LayerTape(language.Layers[i], language.Config.RmsNormEps, attention, inputs[i]);
            return CpuDecoder.Layer(language, i, updates.Layer(i), inputs[i], attention, tape);
        }

        void Drop(int i)
        {
            tapes[i]!.Dispose();
            tapes[i] = null;
        }

        try
        {
            inputs[0] = embedded.detach().contiguous();
            for (var i = 0; i < last; i++)
            {
                inputs[i + 1] = Layer(i);
                if (checkpointing)
                {
                    Drop(i);
                }
            }

            var hidden = Layer(last);
            var (loss, gradient) = backend.Loss(language, hidden, batch.Targets, weight, further, entropy);
            hidden.Dispose();
            Tensor? passed = gradient;
            for (var i = last; i >= 0; i--)
            {
                if (tapes[i] is null)
                {
                    Layer(i).Dispose();
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

    /// <param name="rows">int64: the only positions that are wanted; null for all.</param>
    private SequenceAttention Attention(SequenceBatch batch, RotationTable table, Tensor? rows)
    {
        var wanted = rows?.data<long>().ToArray();
        var sequences = new List<AttendedSequence>();
        int from = 0, row = 0;
        foreach (var length in batch.Sequences.Lengths)
        {
            var end = from + length;
            IReadOnlyList<int> queries = wanted is null
                ? [.. Enumerable.Range(0, length)] : [.. wanted.Skip(row).TakeWhile(position => position < end).Select(position => (int)position - from)];
            sequences.Add(new AttendedSequence(from, length, queries, row));
            row += queries.Count;
            from = end;
        }

        return new SequenceAttention(language.Config, table, sequences, rows);
    }
}
