using CoIN.Benchmark;
using CoIN.Models.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace CoIN.Models.Modules;

/// <summary>LLaVA-1.5's projector from picture features to the language model's embeddings: linear, GELU (exact), linear.</summary>
/// <param name="hasBias">False where the biases are zeros in the place of none.</param>
internal sealed class Projector(Tensor weight1, Tensor bias1, Tensor weight2, Tensor bias2, bool hasBias = true) : IDisposable
{
    /// <summary>Takes the projector out of a checkpoint.</summary>
    /// <param name="first">Name of the first linear layer, e.g. <c>multi_modal_projector.linear_1</c>.</param>
    /// <param name="bias">False for layers without biases: then they are zeros.</param>
    public static Projector Take(
        CheckpointFolder checkpoint, string first, string second, int visionSize, int textSize, ScalarType dtype, Device device, bool bias = true)
    {
        Tensor Bias(string layer) => bias ? checkpoint.Take($"{layer}.bias", dtype, device, textSize) : zeros([textSize], dtype, device);
        return new Projector(
            checkpoint.Take($"{first}.weight", dtype, device, textSize, visionSize).DetachFromDisposeScope(), Bias(first).DetachFromDisposeScope(),
            checkpoint.Take($"{second}.weight", dtype, device, textSize, textSize).DetachFromDisposeScope(), Bias(second).DetachFromDisposeScope(), bias);
    }

    public bool HasBias { get; } = hasBias;

    /// <summary>First weight and bias, second weight and bias.</summary>
    public IReadOnlyList<Tensor> Parameters { get; } = [weight1, bias1, weight2, bias2];

    /// <summary>Features of a picture's position.</summary>
    public int In => (int)Parameters[0].size(1);

    /// <summary>Features of the language model's embeddings.</summary>
    public int Out => (int)Parameters[0].size(0);

    /// <param name="features">[…, vision size].</param>
    /// <returns>[…, text size], in <paramref name="dtype"/>.</returns>
    public Tensor Forward(Tensor features, ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        var hidden = F.gelu(F.linear(features, Parameters[0].to(dtype), Parameters[1].to(dtype)));
        return F.linear(hidden, Parameters[2].to(dtype), Parameters[3].to(dtype)).MoveToOuterDisposeScope();
    }

    /// <summary>An independent copy in float32 that can be trained.</summary>
    /// <exception cref="CoinException">It has no biases, which training would give it.</exception>
    public Projector TrainableCopy()
    {
        if (!HasBias)
        {
            throw new CoinException("The model's projector has no biases (multimodal_projector_bias is false), and training would give it some. Set lora.train-projector to false.");
        }

        using var noGrad = no_grad();
        var copies = Parameters.Select(tensor => tensor.to(ScalarType.Float32, copy: true).DetachFromDisposeScope()).ToArray();
        return new Projector(copies[0], copies[1], copies[2], copies[3]);
    }

    public void Dispose()
    {
        foreach (var tensor in Parameters)
        {
            tensor.Dispose();
        }
    }
}
