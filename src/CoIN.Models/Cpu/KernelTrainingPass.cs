using CoIN.Models.Adapters;
using CoIN.Models.Computing;
using CoIN.Models.Cpu.Kernels;
using CoIN.Models.Modules;
using CoIN.Models.Sequences;
using static TorchSharp.torch;

namespace CoIN.Models.Cpu;

/// <summary>Training by <see cref="CpuKernels"/>, see <see cref="LayerTape"/>.</summary>
internal sealed class KernelTrainingPass(IPromptedModel model, IBackend backend, IAdapter adapter, Dropout? dropout, bool checkpointing)
    : TapedTrainingPass(model, backend, adapter, checkpointing)
{
    private readonly IDecoderUpdates updates = adapter.Updates(dropout);

    /// <inheritdoc/>
    protected override ITapedLayers Begin(SequenceBatch batch)
    {
        var table = RotationTable.Of(Language, batch.Axes);
        return new Layers(Language, updates, Attention(batch, table, null), Attention(batch, table, batch.LabelledRows));
    }

    /// <param name="rows">int64: the only positions that are wanted; null for all.</param>
    private SequenceAttention Attention(SequenceBatch batch, RotationTable table, Tensor? rows)
    {
        var wanted = rows?.data<long>().ToArray();
        var sequences = new List<AttendedSequence>();
        int from = 0,
            row = 0;
        foreach (var length in batch.Sequences.Lengths)
        {
            var end = from + length;
            IReadOnlyList<int> queries = wanted is null
                ? [.. Enumerable.Range(0, length)]
                : [.. wanted.Skip(row).TakeWhile(position => position < end).Select(position => (int)position - from)];
            sequences.Add(new AttendedSequence(from, length, queries, row));
            row += queries.Count;
            from = end;
        }

        return new SequenceAttention(Language.Config, table, sequences, rows);
    }

    private sealed class Layers(DecoderModel language, IDecoderUpdates updates, SequenceAttention whole, SequenceAttention labelled)
        : ITapedLayers
    {
        /// <inheritdoc/>
        public Tensor Infer(int layer, Tensor x) => CpuDecoder.Layer(language, layer, updates.Layer(layer), x, Attention(layer));

        /// <inheritdoc/>
        public Tensor Forward(int layer, Tensor x, out ILayerTape? tape)
        {
            var kept = new LayerTape(language.Layers[layer], language.Config.RmsNormEps, Attention(layer), x);
            tape = kept;
            return CpuDecoder.Layer(language, layer, updates.Layer(layer), x, Attention(layer), kept);
        }

        /// <inheritdoc/>
        public void Again(int layer, Tensor x, out ILayerTape? tape)
        {
            var kept = new LayerTape(language.Layers[layer], language.Config.RmsNormEps, Attention(layer), x);
            tape = kept;
            CpuDecoder.Again(language, layer, updates.Layer(layer), x, Attention(layer), kept);
        }

        private SequenceAttention Attention(int layer) => layer == language.Layers.Count - 1 ? labelled : whole;
    }
}
