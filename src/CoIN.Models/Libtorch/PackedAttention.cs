using CoIN.Models.Modules;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace CoIN.Models.Libtorch;

/// <summary>How the positions of a pass by libtorch attend to one another and to those before them.</summary>
internal interface ILayerAttention
{
    /// <summary>Attends.</summary>
    /// <param name="layer">From 0.</param>
    /// <param name="qkv">[N, heads of queries, keys and values, size]; queries and keys rotated.</param>
    /// <param name="tape">What the backward pass needs; null where there will be none.</param>
    /// <returns>[N, hidden size].</returns>
    Tensor Attend(int layer, Tensor qkv, out AttentionTape? tape);
}

/// <summary>Attention of passes that answer: without a backward pass.</summary>
internal sealed class PassingAttention(DecoderConfig config, DecoderAttention attention) : ILayerAttention
{
    /// <inheritdoc/>
    public Tensor Attend(int layer, Tensor qkv, out AttentionTape? tape)
    {
        using var scope = NewDisposeScope();
        tape = null;
        return attention
            .Attend(
                layer,
                qkv.narrow(1, 0, config.Heads),
                qkv.narrow(1, config.Heads, config.KeyValueHeads),
                qkv.narrow(1, config.Heads + config.KeyValueHeads, config.KeyValueHeads)
            )
            .MoveToOuterDisposeScope();
    }
}

/// <summary>
/// Whole sequences of a micro-batch, laid end to end. Attention itself is the one operator of a layer that has a graph, a single node: ATen
/// has no backward operator for it that is the same on all devices.
/// </summary>
/// <param name="keeps">Whether there will be a backward pass.</param>
internal sealed class PackedAttention(DecoderConfig config, PackedSequences sequences, bool keeps) : ILayerAttention
{
    private readonly bool variable = VariableLengthAttention.Serves(sequences.Positions.device);

    /// <inheritdoc/>
    public Tensor Attend(int layer, Tensor qkv, out AttentionTape? tape)
    {
        using var scope = NewDisposeScope();
        var variableLength = variable && VariableLengthAttention.Takes(qkv.dtype, config.HeadSize);

        // One gather for queries, keys and values together, and none where there is no padding or lengths are told to the kernel.
        var laid = variableLength ? qkv : sequences.Pad(qkv);
        var dimension = variableLength ? 1 : 2;
        Tensor Leaf(int first, int heads) => laid.narrow(dimension, first, heads).detach().requires_grad_(keeps);
        Tensor[] leaves =
        [
            Leaf(0, config.Heads),
            Leaf(config.Heads, config.KeyValueHeads),
            Leaf(config.Heads + config.KeyValueHeads, config.KeyValueHeads),
        ];
        Tensor output;
        using (set_grad_enabled(keeps))
        {
            output = variableLength
                ? VariableLengthAttention.Run(leaves[0], leaves[1], leaves[2], sequences.Starts, sequences.Longest)
                : F.scaled_dot_product_attention(
                        leaves[0].transpose(1, 2),
                        Shared(leaves[1].transpose(1, 2)),
                        Shared(leaves[2].transpose(1, 2)),
                        is_casual: true
                    )
                    .transpose(1, 2);
        }

        var detached = output.detach();
        var attended = variableLength ? detached.reshape(qkv.size(0), config.HiddenSize) : sequences.Pack(detached, config.HiddenSize);
        tape = null;
        if (keeps)
        {
            output.DetachFromDisposeScope();
            Array.ForEach(leaves, static leaf => leaf.DetachFromDisposeScope());
            tape = new AttentionTape(leaves, output, variableLength ? null : sequences);
        }

        return attended.MoveToOuterDisposeScope();
    }

    /// <summary>Every key head repeated for the query heads that share it.</summary>
    private Tensor Shared(Tensor x) =>
        config.Heads == config.KeyValueHeads ? x : x.repeat_interleave(config.Heads / config.KeyValueHeads, 1);
}

/// <summary>What the backward pass of attention needs.</summary>
/// <param name="leaves">Queries, keys and values as they were given to it, packed or padded.</param>
/// <param name="output">[…, heads, size], with its graph.</param>
/// <param name="padded">How they were padded; null where they were not.</param>
internal sealed class AttentionTape(Tensor[] leaves, Tensor output, PackedSequences? padded) : IDisposable
{
    /// <summary>The backward pass.</summary>
    /// <param name="gradient">[N, hidden size].</param>
    /// <returns>[N, heads of queries, keys and values, size].</returns>
    public Tensor Backward(Tensor gradient)
    {
        using var scope = NewDisposeScope();
        output.backward([padded is null ? gradient.view(output.shape) : padded.PadWithZeros(gradient).view(output.shape)]);
        var all = cat([.. leaves.Select(leaf => leaf.grad!)], -2);
        return (
            padded is null ? all : padded.Pack(all, all.size(-2) * all.size(-1)).view(-1, all.size(-2), all.size(-1))
        ).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        output.Dispose();
        Array.ForEach(leaves, static leaf => leaf.Dispose());
    }
}
