using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using System.Text;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace CoIN.Models.Torch;

/// <summary>
/// Linear maps of which no gradients are wanted, by the faster of libtorch's two libraries.
/// <para>
/// ATen gives float32 products to MKL, which holds processors of other makers than its own to AVX2. oneDNN, which libtorch brings too, uses AVX-512 on all of them, and is
/// about twice as fast there. Which of the two it is depends on the processor and on the shapes alone, never on a measurement, so that a host's results stay the same.
/// </para>
/// </summary>
internal static class FrozenProduct
{
    /// <summary>With fewer rows, the copies into oneDNN's tensors and back cost what the product saves.</summary>
    private const long FewestRows = 64;

    /// <summary>
    /// Outputs come in multiples of this, for others (48, 80, 1000) oneDNN may choose a blocked layout for the result, which libtorch's <c>to_dense</c> takes for a plain one: all
    /// numbers are there, in the wrong places.
    /// </summary>
    private const long OutputBlock = 64;

    private static readonly Lazy<jit.CompilationUnit?> OneDnn = new(Compile);

    /// <summary>Shapes (rows, inputs, outputs) whose product by oneDNN has been compared with the plain one, and what came out.</summary>
    private static readonly ConcurrentDictionary<(long, long, long), bool> Compared = new();

    /// <summary>The map x Wᵀ + b; in the plain way where gradients are wanted after all.</summary>
    /// <param name="x">[…, inputs].</param>
    /// <param name="weight">[outputs, inputs].</param>
    /// <param name="bias">[outputs], or null.</param>
    public static Tensor Linear(Tensor x, Tensor weight, Tensor? bias)
    {
        long outputs = weight.size(0), inputs = weight.size(1), rows = x.numel() / Math.Max(inputs, 1);
        var graph = is_grad_enabled() && (x.requires_grad || weight.requires_grad);
        if (graph || rows < FewestRows || outputs % OutputBlock != 0 || x.dtype != ScalarType.Float32 || x.device.type != DeviceType.CPU
            || OneDnn.Value is not { } script)
        {
            return F.linear(x, weight, bias);
        }

        var shape = (rows, inputs, outputs);
        if (Compared.TryGetValue(shape, out var right) && !right)
        {
            return F.linear(x, weight, bias);
        }

        var y = (Tensor)(bias is null ? Scalars.Invoke(script, "product", [], x, weight) : Scalars.Invoke(script, "sum", [], x, weight, bias));
        if (right || (Compared[shape] = IsRight(y, x, weight, bias)))
        {
            return y;
        }

        y.Dispose();
        return F.linear(x, weight, bias);
    }

    /// <summary>
    /// Whether some rows are what the plain product makes of them. A layout that is taken for another one shows in every row but perhaps the first, and it depends on the
    /// shape alone: once for each shape is enough, and costs next to nothing.
    /// </summary>
    internal static bool IsRight(Tensor y, Tensor x, Tensor weight, Tensor? bias)
    {
        using var scope = NewDisposeScope();
        var rows = x.numel() / weight.size(1);
        var chosen = tensor(new[] { 0, rows / 2, rows - 1 });
        var expected = F.linear(x.reshape(rows, weight.size(1)).index_select(0, chosen), weight, bias);
        var error = (y.reshape(rows, weight.size(0)).index_select(0, chosen) - expected).abs().max().item<float>();

        // Rounding alone differs by some 1e-6 of the largest number; a number in the wrong place by about as much as the numbers themselves. What is not finite differs from nothing.
        return !(error > 1e-3f * expected.abs().max().item<float>());
    }

    /// <summary>The maker's name as the processor tells it: <c>GenuineIntel</c>, <c>AuthenticAMD</c>.</summary>
    internal static string Vendor()
    {
        var (_, b, c, d) = X86Base.CpuId(0, 0);
        return Encoding.ASCII.GetString(MemoryMarshal.AsBytes<int>(new[] { b, d, c }));
    }

    /// <remarks>oneDNN takes what it is given for contiguous, and says nothing where it is not.</remarks>
    private static jit.CompilationUnit? Compile()
    {
        if (!Avx512F.IsSupported || Vendor() == "GenuineIntel")
        {
            return null;
        }

        try
        {
            var script = jit.compile(
                """
                def product(x, w):
                    return torch.mkldnn_linear(x.contiguous().to_mkldnn(), w.contiguous()).to_dense()

                def sum(x, w, b):
                    return torch.mkldnn_linear(x.contiguous().to_mkldnn(), w.contiguous(), b).to_dense()

                """);
            using var scope = NewDisposeScope();
            using var noGrad = no_grad();
            Scalars.Invoke(script, "product", [], zeros(2, 2), zeros(2, 2));
            return script;
        }
        catch (ExternalException)
        {
            // A libtorch of the user's own may have been built without oneDNN.
            return null;
        }
    }
}
