using CoIN.Models.Cpu.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Support;

/// <summary>
/// Tests of the program's own kernels, skipped where the processor has none. What a test makes of tensors goes with it, and every test
/// draws the same numbers.
/// </summary>
public abstract class KernelTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();

    protected KernelTests() => Assert.SkipUnless(CpuKernels.Available, "The processor has no AVX-512.");

    protected Generator Generator { get; } = new(1, CPU);

    public virtual void Dispose()
    {
        Generator.Dispose();
        scope.Dispose();
        GC.SuppressFinalize(this);
    }
}
