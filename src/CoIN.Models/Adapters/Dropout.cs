using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Adapters;

/// <summary>
/// Dropout whose masks follow from a seed alone, so that a resumed step draws what the uninterrupted one drew, whatever other threads draw meanwhile.
/// </summary>
internal sealed class Dropout(double probability, Device device) : IDisposable
{
    // Masks are drawn on the CPU: the same there whatever the device.
    private readonly Generator generator = new(0, CPU);

    /// <summary>Starts the sequence of masks of one micro-batch.</summary>
    public void Seed(long seed) => generator.manual_seed(seed);

    /// <summary>Zeroes each element with the given probability and scales the others up.</summary>
    public Tensor Apply(Tensor x)
    {
        using var scope = NewDisposeScope();
        var keep = rand(x.shape, generator: generator).ge(Scalars.Of(probability)).to(x.dtype).to(device);
        return (x * keep).mul(Scalars.Of(1 / (1 - probability))).MoveToOuterDisposeScope();
    }

    public void Dispose() => generator.Dispose();
}
