using CoIN.Models.Adapters;
using CoIN.Models.Backends;
using CoIN.Models.Computing;
using CoIN.Models.Cpu;
using CoIN.Models.Cpu.Kernels;
using CoIN.Models.Families.Llava;
using CoIN.Models.Libtorch;

namespace CoIN.Models.Tests.Support;

/// <summary>Either of the two ways of training, whichever the processor would be given.</summary>
internal static class TrainingWays
{
    /// <inheritdoc cref="Pass"/>
    public static IBackend Backend(bool kernels, int? lossRows = null)
    {
        TestDevice.SkipWithoutKernels(kernels);
        return kernels ? new CpuBackend(lossRows) : new LibtorchBackend(lossRows);
    }

    /// <param name="kernels">By the CPU's own kernels, without which the test is skipped; by libtorch's graph otherwise.</param>
    public static ITrainingPass Pass(LlavaModel model, IAdapter adapter, Dropout? dropout, bool checkpointing, bool kernels)
    {
        return Backend(kernels).Training(model, adapter, dropout, checkpointing);
    }
}
