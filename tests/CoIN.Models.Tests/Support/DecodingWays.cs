using CoIN.Models.Adapters;
using CoIN.Models.Computing;
using CoIN.Models.Cpu;
using CoIN.Models.Cpu.Kernels;
using CoIN.Models.Generation;
using CoIN.Models.Libtorch;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Support;

/// <summary>Answers by either of the two ways of decoding, whichever the processor would be given.</summary>
internal static class DecodingWays
{
    /// <param name="kernels">By the CPU's own kernels, without which the test is skipped; by libtorch otherwise.</param>
    public static IReadOnlyList<IReadOnlyList<int>> Generate(
        IPromptedModel model,
        GenerationRequest request,
        bool kernels,
        IAdapter? adapter = null
    )
    {
        TestDevice.SkipWithoutKernels(kernels);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using IDecodingBatch batch = kernels
            ? new KernelDecodingBatch(model, new CpuBackend(), request, adapter)
            : new TorchDecodingBatch(model, request, adapter);
        return GreedyGenerator.Generate(batch, request);
    }
}
