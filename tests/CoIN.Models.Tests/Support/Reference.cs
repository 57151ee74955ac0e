using CoIN.Models.Adapters;
using CoIN.Models.Computing;
using CoIN.Models.Cpu;
using CoIN.Models.Cpu.Kernels;
using CoIN.Models.Modules;
using CoIN.Models.Sequences;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Support;

/// <summary>What models compute, in one piece or step by step, as references see it.</summary>
internal static class Reference
{
    /// <summary>Mean cross entropy over the labelled tokens of a batch, with its graph.</summary>
    public static Tensor Loss(IPromptedModel model, SequenceBatch batch, Tensor? features, IAdapter? adapter = null)
    {
        using var scope = NewDisposeScope();
        var embedded = model.Embed(batch, features, adapter?.Projector);
        var hidden = model.Language.Forward(embedded, batch.Sequences, adapter?.Updates(), batch.LabelledRows);
        return nn.functional.cross_entropy(model.Language.Logits(hidden), batch.Targets).MoveToOuterDisposeScope();
    }

    /// <summary>The output of every decoder layer, for whole sequences.</summary>
    public static List<Tensor> LayerOutputs(DecoderModel language, Tensor embedded, PackedSequences sequences)
    {
        var (rotation, attention) = (language.Rotation(sequences.Positions), new WholeSequences(language.Config, sequences));
        var states = new List<Tensor>();
        for (var i = 0; i < language.Layers.Count; i++)
        {
            states.Add(language.Layers[i].Forward(i == 0 ? embedded : states[^1], i, rotation, attention));
        }

        return states;
    }

    /// <summary>All hidden states of a vision transformer, what the first layer gets first.</summary>
    /// <param name="kernels">By the CPU's own kernels, without which the test is skipped; by libtorch otherwise.</param>
    public static List<Tensor> HiddenStates(VisionTransformer tower, Tensor pixels, bool kernels)
    {
        TestDevice.SkipWithoutKernels(kernels);
        var states = new List<Tensor> { kernels ? CpuVision.Embed(tower, pixels) : tower.Embed(pixels) };
        foreach (var layer in tower.Layers)
        {
            states.Add(kernels ? CpuVision.Forward(layer, tower.Config, states[^1]) : layer.Forward(states[^1]));
        }

        return states;
    }
}
