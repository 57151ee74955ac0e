using CoIN.Models.Libtorch;
using CoIN.Models.Tests.Support;
using TorchSharp;

namespace CoIN.Models.Tests.Libtorch;

public sealed class WaitingTests
{
    private static readonly string[] Readers =
    [
        "item",
        "data",
        "cpu",
        "get_bytes",
        "ToDouble",
        "ToSingle",
        "ToInt32",
        "ToInt64",
        "ToBoolean",
        "ReadCpuSingle",
    ];

    /// <summary>
    /// Whoever reads a number from a GPU waits until all that it was asked for before is done. On a CPU nothing can be seen of it, so the
    /// calls themselves are looked for.
    /// </summary>
    [Fact]
    public void Training_by_libtorch_reads_nothing_from_the_device()
    {
        Assert.Empty(ReadsIn(type => type.Namespace == typeof(LibtorchBackend).Namespace && type != typeof(TorchDecodingBatch)));
        Assert.NotEmpty(ReadsIn(type => type == typeof(TorchDecodingBatch)));
    }

    private static List<string> ReadsIn(Func<Type, bool> types) =>
        [
            .. MethodCalls
                .MethodsOf(typeof(LibtorchBackend).Assembly)
                .Where(method => types(Outermost(method.DeclaringType!)))
                .SelectMany(method =>
                    MethodCalls
                        .CallsOf(method)
                        .Where(called => called.DeclaringType?.Assembly == typeof(torch).Assembly && Readers.Contains(called.Name))
                        .Select(called => $"{method.DeclaringType}.{method.Name} calls {called.Name}")
                ),
        ];

    private static Type Outermost(Type type) => type.DeclaringType is { } outer ? Outermost(outer) : type;
}
