using System.Reflection;
using System.Reflection.Emit;
using CoIN.Models.Torch;
using TorchSharp;

namespace CoIN.Models.Tests.Torch;

public sealed class ScalarsTests
{
    private const BindingFlags Everything = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<short, OpCode> OpCodesByValue = typeof(OpCodes).GetFields()
        .Select(field => (OpCode)field.GetValue(null)!).ToDictionary(code => code.Value);

    [Fact]
    public void A_value_is_made_once_and_kept()
    {
        Assert.Same(Scalars.Of(0.25), Scalars.Of(0.25));
        Assert.Same(Scalars.Of(3L), Scalars.Of(3L));
        Assert.Equal(torch.ScalarType.Float64, Scalars.Of(0.25).Type);
        Assert.Equal(torch.ScalarType.Int64, Scalars.Of(3L).Type);
    }

    /// <summary>
    /// A temporary scalar can be collected while native code reads it; it happens once in some thousand seconds, so that no other kind of test would find it.
    /// </summary>
    [Fact]
    public void No_operation_is_given_a_temporary_scalar()
    {
        var calls = MethodsOf(typeof(torch).Assembly).ToDictionary(method => method, CallsOf);
        var unsafeCalls = calls.Where(pair => pair.Value.Any(MakesScalar)).Select(pair => pair.Key).ToHashSet();

        // Tensor + Tensor calls add(Tensor), which calls add(Tensor, Scalar) with a temporary one: so whatever calls such a method, however indirectly, counts.
        while (calls.Where(pair => !unsafeCalls.Contains(pair.Key) && pair.Value.Any(unsafeCalls.Contains)).Select(pair => pair.Key).ToList() is { Count: > 0 } more)
        {
            unsafeCalls.UnionWith(more);
        }

        Assert.True(unsafeCalls.Count > 20, "the methods of TorchSharp that make temporary scalars are not recognized any more");
        var found = MethodsOf(typeof(Scalars).Assembly)
            .Where(method => method.DeclaringType != typeof(Scalars) && method.DeclaringType?.DeclaringType != typeof(Scalars))
            .SelectMany(method => CallsOf(method).Where(called => MakesScalar(called) || unsafeCalls.Contains(called))
                .Select(called => $"{method.DeclaringType}.{method.Name} calls {called.DeclaringType?.Name}.{called}"))
            .Distinct().ToList();
        Assert.True(found.Count == 0, string.Join('\n', found));
    }

    private static bool MakesScalar(MethodBase method) =>
        (method.DeclaringType == typeof(Scalar) && (method.Name == "op_Implicit" || method.IsConstructor)) ||
        (method.Name == "ToScalar" && method.DeclaringType?.Assembly == typeof(Scalar).Assembly);

    private static IEnumerable<MethodBase> MethodsOf(Assembly assembly) => assembly.GetTypes()
        .SelectMany(type => type.GetMethods(Everything).Cast<MethodBase>().Concat(type.GetConstructors(Everything)));

    private static List<MethodBase> CallsOf(MethodBase method)
    {
        var calls = new List<MethodBase>();
        var il = method.GetMethodBody()?.GetILAsByteArray() ?? [];
        for (var at = 0; at < il.Length;)
        {
            var value = il[at] == 0xfe ? (short)(0xfe00 | il[at + 1]) : il[at];
            var code = OpCodesByValue[value];
            at += code.Size;
            if (code.OperandType == OperandType.InlineMethod && Resolve(method, BitConverter.ToInt32(il, at)) is { } called)
            {
                calls.Add(called);
            }

            at += code.OperandType switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + (4 * BitConverter.ToInt32(il, at)),
                _ => 4,
            };
        }

        return calls;
    }

    private static MethodBase? Resolve(MethodBase caller, int token)
    {
        var called = caller.Module.ResolveMethod(
            token, caller.DeclaringType?.GetGenericArguments(), caller is MethodInfo { IsGenericMethod: true } ? caller.GetGenericArguments() : null);
        return called is MethodInfo { IsGenericMethod: true } generic ? generic.GetGenericMethodDefinition() : called;
    }
}
