using CoIN.Models.Adapters;
using CoIN.Models.Kernels;
using CoIN.Models.Llava;
using CoIN.Models.Training;

namespace CoIN.Models.Tests.Support;

/// <summary>Either of the two ways of training, whichever the processor would be given.</summary>
internal static class TrainingWays
{
    /// <param name="kernels">By the CPU's own kernels, without which the test is skipped; by libtorch's graph otherwise.</param>
    public static ITrainingPass Pass(LlavaModel model, LoraAdapter adapter, Dropout? dropout, bool checkpointing, bool kernels)
    {
        Assert.SkipUnless(!kernels || CpuKernels.Available, "The processor has no AVX-512.");
        return kernels ? new KernelTrainingPass(model, adapter, dropout, checkpointing) : new GraphTrainingPass(model, adapter, dropout, checkpointing);
    }
}
