using System.Collections.Frozen;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace CoIN.Models.Tests.Support;

/// <summary>
/// Counts what libtorch's dispatcher is asked for on this thread, by the observers that PyTorch's profiler uses
/// (<c>at::addThreadLocalCallback</c>): the same operators as on a GPU, where each that computes is a kernel or a few. Views, allocations
/// and operators that only call others count for nothing; what an operator that computes calls itself is part of it.
/// </summary>
internal sealed unsafe class OperatorCounter : IDisposable
{
    private static readonly FrozenSet<string> Idle = FrozenSet.Create(
        StringComparer.Ordinal,
        "view",
        "t",
        "transpose",
        "permute",
        "narrow",
        "slice",
        "select",
        "unsqueeze",
        "squeeze",
        "expand",
        "expand_as",
        "as_strided",
        "alias",
        "detach",
        "detach_",
        "reshape",
        "view_as",
        "_reshape_alias",
        "_unsafe_view",
        "flatten",
        "split",
        "split_with_sizes",
        "chunk",
        "unbind",
        "numpy_T",
        "result_type",
        "lift_fresh",
        "resolve_conj",
        "resolve_neg",
        "unflatten",
        "_version",
        "is_same_size",
        "empty",
        "empty_like",
        "empty_strided",
        "new_empty",
        "new_empty_strided",
        "resize_",
        "set_",
        "requires_grad_",
        "retain_grad",
        "linear",
        "matmul",
        "to",
        "contiguous",
        "clone",
        "_to_copy",
        "cpu",
        "masked_fill",
        "zeros",
        "zeros_like",
        "new_zeros",
        "zero_",
        "ones",
        "ones_like",
        "full",
        "full_like",
        "scaled_dot_product_attention",
        "_fused_sdp_choice",
        "cross_entropy_loss",
        "nll_loss",
        "nll_loss_nd",
        "softmax",
        "log_softmax",
        "repeat_interleave",
        "conv2d",
        "convolution",
        "layer_norm",
        "rms_norm",
        "_fused_rms_norm",
        "outer",
        "arange",
        "type_as",
        "value_selecting_reduction_backward",
        "index_select_backward",
        "slice_backward",
        "select_backward",
        "_backward",
        "matmul_backward",
        "linear_backward",
        "pad",
        "constant_pad_nd",
        "item"
    );

    [ThreadStatic]
    private static OperatorCounter? current;

    private readonly Dictionary<string, int> counts = new(StringComparer.Ordinal);
    private readonly ulong handle;
    private int inside;

    private OperatorCounter()
    {
        current = this;
        var callback = new Callback
        {
            Start = &Begin,
            End = &End,
            Probability = 1,
        };
        callback.Scopes[0] = 1;
        handle = ((delegate* unmanaged<Callback, ulong>)Export("_ZN2at22addThreadLocalCallbackENS_22RecordFunctionCallbackE"))(callback);
    }

    /// <summary>Counts what an action asks for.</summary>
    /// <returns>How often each operator was asked for that computes, by its name without <c>aten::</c>.</returns>
    public static IReadOnlyDictionary<string, int> Of(Action action)
    {
        using var counter = new OperatorCounter();
        action();
        return counter.counts;
    }

    public void Dispose()
    {
        ((delegate* unmanaged<ulong, void>)Export("_ZN2at14removeCallbackEm"))(handle);
        current = null;
    }

    [UnmanagedCallersOnly]
    private static void* Begin(void** context, void* function)
    {
        *context = null;
        if (Name(function) is { } name && !Idle.Contains(name) && current is { } counter && counter.inside++ == 0)
        {
            CollectionsMarshal.GetValueRefOrAddDefault(counter.counts, name, out _)++;
        }

        return context;
    }

    [UnmanagedCallersOnly]
    private static void End(void* function, void* context)
    {
        if (Name(function) is { } name && !Idle.Contains(name) && current is { } counter)
        {
            counter.inside--;
        }
    }

    private static string? Name(void* function)
    {
        const string Space = "aten::";
        var name = Marshal.PtrToStringUTF8(((delegate* unmanaged<void*, nint>)Export("_ZNK2at14RecordFunction4nameEv"))(function));
        return name?.StartsWith(Space, StringComparison.Ordinal) == true ? name[Space.Length..] : null;
    }

    private static nint Export(string symbol) => Exports.GetOrAdd(symbol, static wanted =>
        {
            var path = Process
                .GetCurrentProcess()
                .Modules.Cast<ProcessModule>()
                .First(module => module.ModuleName == "libtorch_cpu.so")
                .FileName;
            return NativeLibrary.GetExport(NativeLibrary.Load(path), wanted);
        });

    private static readonly System.Collections.Concurrent.ConcurrentDictionary<string, nint> Exports = new(StringComparer.Ordinal);

    /// <summary><c>at::RecordFunctionCallback</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Callback
    {
        public delegate* unmanaged<void**, void*, void*> Start;
        public delegate* unmanaged<void*, void*, void> End;
        public double Probability;
        public Flags Scopes;
    }

    /// <summary>A flag for each scope, of which the first is that of functions, and three for what the observer needs.</summary>
    [InlineArray(13)]
    private struct Flags
    {
        private byte first;
    }
}
