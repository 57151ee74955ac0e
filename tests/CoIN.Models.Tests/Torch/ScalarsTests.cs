using System.Reflection;
using CoIN.Models.Tests.Support;
using CoIN.Models.Torch;
using TorchSharp;

namespace CoIN.Models.Tests.Torch;

public sealed class ScalarsTests
{
    [Fact]
    public void A_value_is_made_once_and_kept()
    {
        Assert.Same(Scalars.Of(0.25), Scalars.Of(0.25));
        Assert.Same(Scalars.Of(3L), Scalars.Of(3L));
        Assert.Equal(torch.ScalarType.Float64, Scalars.Of(0.25).Type);
        Assert.Equal(torch.ScalarType.Int64, Scalars.Of(3L).Type);
    }

    /// <summary>
    /// A temporary scalar can be collected while native code reads it; it happens once in some thousand seconds, so that no other kind of
    /// test would find it.
    /// </summary>
    [Fact]
    public void No_operation_is_given_a_temporary_scalar()
    {
        var calls = MethodCalls.MethodsOf(typeof(torch).Assembly).ToDictionary(method => method, MethodCalls.CallsOf);
        var unsafeCalls = calls.Where(pair => pair.Value.Any(MakesScalar)).Select(pair => pair.Key).ToHashSet();

        // Tensor + Tensor calls add(Tensor), which calls add(Tensor, Scalar) with a temporary one: so whatever calls such a method, however
        // indirectly, counts.
        while (
            calls.Where(pair => !unsafeCalls.Contains(pair.Key) && pair.Value.Any(unsafeCalls.Contains)).Select(pair => pair.Key).ToList()
                is { Count: > 0 } more
        )
        {
            unsafeCalls.UnionWith(more);
        }

        Assert.True(unsafeCalls.Count > 20, "the methods of TorchSharp that make temporary scalars are not recognized any more");
        var found = MethodCalls
            .MethodsOf(typeof(Scalars).Assembly)
            .Where(method => method.DeclaringType != typeof(Scalars) && method.DeclaringType?.DeclaringType != typeof(Scalars))
            .SelectMany(method =>
                MethodCalls
                    .CallsOf(method)
                    .Where(called => MakesScalar(called) || unsafeCalls.Contains(called))
                    .Select(called => $"{method.DeclaringType}.{method.Name} calls {called.DeclaringType?.Name}.{called}")
            )
            .Distinct()
            .ToList();
        Assert.True(found.Count == 0, string.Join('\n', found));
    }

    private static bool MakesScalar(MethodBase method) =>
        (method.DeclaringType == typeof(Scalar) && (method.Name == "op_Implicit" || method.IsConstructor))
        || (method.Name == "ToScalar" && method.DeclaringType?.Assembly == typeof(Scalar).Assembly);
}
