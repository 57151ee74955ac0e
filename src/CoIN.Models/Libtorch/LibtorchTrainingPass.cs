using CoIN.Models.Adapters;
using CoIN.Models.Computing;
using CoIN.Models.Modules;
using CoIN.Models.Sequences;
using static TorchSharp.torch;

namespace CoIN.Models.Libtorch;

/// <summary>Training by libtorch without a graph, see <see cref="LibtorchLayerTape"/>: on any device and in any type.</summary>
internal sealed class LibtorchTrainingPass(IPromptedModel model, IBackend backend, IAdapter adapter, Dropout? dropout, bool checkpointing)
    : TapedTrainingPass(model, backend, adapter, checkpointing)
{
    private readonly IDecoderUpdates updates = adapter.Updates(dropout);

    /// <inheritdoc/>
    protected override ITapedLayers Begin(SequenceBatch batch)
    {
        updates.Prepare(Language.Dtype);
        return new Layers(Language, updates, batch);
    }

    private sealed class Layers(DecoderModel language, IDecoderUpdates updates, SequenceBatch batch) : ITapedLayers
    {
        private readonly Turns turns = new(language.Rotation(batch.RotaryPositions));

        /// <inheritdoc/>
        public Tensor Infer(int layer, Tensor x) =>
            LibtorchLayer.Forward(language, layer, updates.Layer(layer), x, turns, Attention(keeps: false), Rows(layer));

        /// <inheritdoc/>
        public Tensor Forward(int layer, Tensor x, out ILayerTape? tape)
        {
            var kept = new LibtorchLayerTape(language, layer, turns, Rows(layer), x);
            tape = kept;
            return LibtorchLayer.Forward(language, layer, updates.Layer(layer), x, turns, Attention(keeps: true), Rows(layer), kept);
        }

        /// <inheritdoc/>
        public void Again(int layer, Tensor x, out ILayerTape? tape)
        {
            var kept = new LibtorchLayerTape(language, layer, turns, Rows(layer), x);
            tape = kept;
            LibtorchLayer.Again(language, layer, updates.Layer(layer), x, turns, Attention(keeps: true), Rows(layer), kept);
        }

        private PackedAttention Attention(bool keeps) => new(language.Config, batch.Sequences, keeps);

        private Tensor? Rows(int layer) => layer == language.Layers.Count - 1 ? batch.LabelledRows : null;
    }
}
