using System.Collections.Concurrent;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace CoIN.Models.Modules;

/// <summary>
/// FlashAttention (Dao 2023) over sequences of unequal lengths laid end to end, which are told to the kernel: nothing is padded or
/// gathered. ATen has it for CUDA and short types. It serves on a device once it has agreed there, with its gradients, with padded
/// attention on a small example; elsewhere sequences are padded.
/// </summary>
internal static class VariableLengthAttention
{
    private static readonly ConcurrentDictionary<int, bool> Agreed = new();

    private static readonly Lazy<jit.CompilationUnit> Script = new(() =>
        jit.compile(
            """
            def attend(q: Tensor, k: Tensor, v: Tensor, starts: Tensor, longest: float) -> Tensor:
                return torch._flash_attention_forward(q, k, v, starts, starts, int(longest), int(longest), 0.0, True, False)[0]

            """
        )
    );

    /// <summary>Whether it serves on a device.</summary>
    public static bool Serves(Device device) => device.type == DeviceType.CUDA && Agreed.GetOrAdd(device.index, _ => Agrees(device));

    /// <summary>Whether it takes numbers of a type in heads of a size.</summary>
    public static bool Takes(ScalarType dtype, int headSize) =>
        dtype is ScalarType.BFloat16 or ScalarType.Float16 && headSize <= 256 && headSize % 8 == 0;

    /// <summary>Causal attention within each sequence.</summary>
    /// <param name="q">[sum of lengths, heads, size].</param>
    /// <param name="k">[sum of lengths, key/value heads, size], likewise <paramref name="v"/>.</param>
    /// <param name="starts">int32 [sequences + 1]: where each begins, and where the last ends.</param>
    /// <param name="longest">Positions of the longest sequence.</param>
    /// <returns>As <paramref name="q"/>.</returns>
    public static Tensor Run(Tensor q, Tensor k, Tensor v, Tensor starts, int longest) =>
        (Tensor)Scalars.Invoke(Script.Value, "attend", [longest], q, k, v, starts);

    /// <summary>Whether this libtorch knows the operator by the arguments that it is given here.</summary>
    internal static bool IsKnown() => Script.Value is not null;

    private static bool Agrees(Device device)
    {
        using var scope = NewDisposeScope();
        using var grad = enable_grad();
        try
        {
            using var sequences = new PackedSequences([7, 3, 5], device);
            Tensor Leaf(int from, int heads) =>
                tensor([.. Enumerable.Range(from, 15 * heads * 64).Select(i => (float)Math.Sin(i * i))])
                    .view(15, heads, 64)
                    .to(ScalarType.BFloat16)
                    .to(device)
                    .requires_grad_(true);
            Tensor[] Leaves() => [Leaf(1, 4), Leaf(2000, 2), Leaf(4000, 2)];
            Tensor[] one = Leaves(),
                other = Leaves();
            var found = Run(one[0], one[1], one[2], sequences.Starts, sequences.Longest);
            Tensor Padded(Tensor x) => sequences.Pad(x).transpose(1, 2).repeat_interleave(4 / x.size(1), 1);
            var wanted = sequences
                .Pack(
                    F.scaled_dot_product_attention(Padded(other[0]), Padded(other[1]), Padded(other[2]), is_casual: true).transpose(1, 2),
                    4 * 64
                )
                .view(15, 4, 64);
            var gradient = found.detach().cos();
            found.backward([gradient]);
            wanted.backward([gradient]);
            return Near(found, wanted) && one.Zip(other).All(pair => Near(pair.First.grad!, pair.Second.grad!));

            static bool Near(Tensor a, Tensor b) => a.to(ScalarType.Float32).sub(b.to(ScalarType.Float32)).abs().max().item<float>() < 5e-2;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return false;
        }
    }
}
