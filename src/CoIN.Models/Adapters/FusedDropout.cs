using System.Collections.Concurrent;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Adapters;

/// <summary>
/// Dropout by ATen's fused operator: on CUDA one launch draws, drops and scales. It serves on a device once a small example has shown there
/// that it drops about as many elements as it should, the others scaled, unlike ones in each copy, and after the same seed the same ones.
/// </summary>
internal static class FusedDropout
{
    private static readonly ConcurrentDictionary<(int Device, ScalarType Dtype), bool> Agreed = new();

    private static readonly Lazy<jit.CompilationUnit> Script = new(() =>
        jit.compile(
            """
            def drop(x: Tensor, probability: float) -> List[Tensor]:
                values, kept = torch.native_dropout(x, probability, True)
                return [values, kept]

            """
        )
    );

    /// <summary>Whether it serves for a tensor.</summary>
    /// <param name="seed">Sets the seed of the device's generator, which nobody else uses meanwhile.</param>
    public static bool Serves(Tensor x, Action<long> seed) =>
        x.device_type == DeviceType.CUDA && Agreed.GetOrAdd((x.device_index, x.dtype), _ => Agrees(x.dtype, x.device, seed));

    /// <summary>Draws by the device's own generator, and drops.</summary>
    /// <returns>The values, those that are kept multiplied with 1 / (1 − p); and bool, true where they are kept.</returns>
    public static (Tensor Values, Tensor Kept) Draw(Tensor x, double probability)
    {
        var both = (Tensor[])Scalars.Invoke(Script.Value, "drop", [probability], x);
        return (both[0], both[1]);
    }

    /// <summary>Whether this libtorch knows the operator by the arguments that it is given here.</summary>
    internal static bool IsKnown() => Script.Value is not null;

    /// <summary>The example.</summary>
    internal static bool Agrees(ScalarType dtype, Device device, Action<long> seed)
    {
        const int Copies = 3;
        const double Probability = 0.25;
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        try
        {
            // Numbers that are drawn from nobody's generator, none of them zero.
            var x = tensor([.. Enumerable.Range(1, 64 * 96).Select(i => (float)(1.5 + Math.Sin(i * i)))]).view(64, 96).to(dtype).to(device);
            (Tensor Values, Tensor Kept) Drawn(long number)
            {
                seed(number);
                return Draw(x.expand(Copies, 64, 96), Probability);
            }

            var (values, kept) = Drawn(7);
            var wanted = x.mul(kept).mul(Scalars.Of(1 / (1 - Probability)));
            var part = kept.to(ScalarType.Float32).mean().item<float>();
            bool Same(Tensor a, Tensor b) => a.equal(b).all().item<bool>();
            return values.shape.SequenceEqual([Copies, 64, 96])
                && kept.shape.SequenceEqual(values.shape)
                && kept.dtype == ScalarType.Bool
                && values.dtype == dtype
                && values.sub(wanted).abs().max().to(ScalarType.Float32).item<float>() < (dtype == ScalarType.Float32 ? 1e-5 : 5e-2)
                && Math.Abs(part - (1 - Probability)) < 0.03
                && Same(kept, Drawn(7).Kept)
                && !Same(kept, Drawn(8).Kept)
                && !Same(kept.select(0, 0), kept.select(0, 1));
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return false;
        }
    }
}
