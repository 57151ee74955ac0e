using CoIN.Benchmark;
using CoIN.Models.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace CoIN.Models.Modules;

/// <summary>
/// The projector from picture features to the language model's embeddings: linear maps with GELU (exact) between them. LLaVA-1.5 has two,
/// MiniGPT-v2 has one; where a vision tower ends in the embeddings itself there is none.
/// </summary>
/// <param name="parameters">Weight and bias of each map.</param>
/// <param name="form">What its maps are called in files.</param>
/// <param name="hasBias">False where the biases are zeros in the place of none.</param>
internal sealed class Projector(IReadOnlyList<Tensor> parameters, ProjectorForm form, bool hasBias = true) : IDisposable
{
    /// <summary>Takes the projector out of a checkpoint.</summary>
    /// <param name="names">The maps' names in it, e.g. <c>multi_modal_projector.linear_1</c>.</param>
    /// <param name="sizes">Features of a picture's position, then those that each map gives.</param>
    /// <param name="bias">False for maps without biases: then they are zeros.</param>
    public static Projector Take(
        CheckpointFolder checkpoint,
        ProjectorForm form,
        IReadOnlyList<string> names,
        IReadOnlyList<int> sizes,
        ScalarType dtype,
        Device device,
        bool bias = true
    )
    {
        var parameters = new List<Tensor>();
        foreach (var (place, name) in names.Index())
        {
            parameters.Add(checkpoint.Take($"{name}.weight", dtype, device, sizes[place + 1], sizes[place]).DetachFromDisposeScope());
            parameters.Add(
                (
                    bias ? checkpoint.Take($"{name}.bias", dtype, device, sizes[place + 1]) : zeros([sizes[place + 1]], dtype, device)
                ).DetachFromDisposeScope()
            );
        }

        return new Projector(parameters, form, bias);
    }

    /// <summary>What its maps are called in files.</summary>
    public ProjectorForm Form { get; } = form;

    public bool HasBias { get; } = hasBias;

    /// <summary>Weight and bias of each map, one map after the other.</summary>
    public IReadOnlyList<Tensor> Parameters { get; } = parameters;

    /// <summary>Linear maps.</summary>
    public int Maps => Parameters.Count / 2;

    /// <summary>Features of a picture's position, then those that each map gives; none without maps.</summary>
    public IReadOnlyList<int> Sizes =>
        Maps == 0 ? [] : [(int)Parameters[0].size(1), .. Enumerable.Range(0, Maps).Select(map => (int)Parameters[2 * map].size(0))];

    /// <param name="features">[…, vision size].</param>
    /// <returns>[…, text size], in <paramref name="dtype"/>.</returns>
    public Tensor Forward(Tensor features, ScalarType dtype) => Forward(features, dtype, F.linear);

    /// <summary>The same by another product.</summary>
    /// <param name="linear">Input, weight and bias to output.</param>
    public Tensor Forward(Tensor features, ScalarType dtype, Func<Tensor, Tensor, Tensor, Tensor> linear)
    {
        using var scope = NewDisposeScope();
        var x = features;
        for (var map = 0; map < Maps; map++)
        {
            x = linear(map == 0 ? x : F.gelu(x), Parameters[2 * map].to(dtype), Parameters[(2 * map) + 1].to(dtype));
        }

        return (ReferenceEquals(x, features) ? x.alias() : x).MoveToOuterDisposeScope();
    }

    /// <summary>An independent copy in float32 that can be trained.</summary>
    /// <exception cref="CoinException">There is none, or it has no biases, which training would give it.</exception>
    public Projector TrainableCopy()
    {
        if (Maps == 0)
        {
            throw new CoinException(
                "The model has no projector that could be trained: its vision tower ends in the language model's embeddings. Set lora.train-projector to false."
            );
        }

        if (!HasBias)
        {
            throw new CoinException(
                "The model's projector has no biases (multimodal_projector_bias is false), and training would give it some. Set lora.train-projector to false."
            );
        }

        using var noGrad = no_grad();
        return new Projector([.. Parameters.Select(tensor => tensor.to(ScalarType.Float32, copy: true).DetachFromDisposeScope())], Form);
    }

    public void Dispose()
    {
        foreach (var tensor in Parameters)
        {
            tensor.Dispose();
        }
    }
}
