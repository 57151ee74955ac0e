using System.Reflection;
using System.Reflection.Emit;

namespace CoIN.Models.Tests.Support;

/// <summary>Who calls whom, as the compiled code says it.</summary>
internal static class MethodCalls
{
    private const BindingFlags Everything =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<short, OpCode> OpCodesByValue = typeof(OpCodes)
        .GetFields()
        .Select(field => (OpCode)field.GetValue(null)!)
        .ToDictionary(code => code.Value);

    /// <summary>All methods and constructors of an assembly.</summary>
    public static IEnumerable<MethodBase> MethodsOf(Assembly assembly) =>
        assembly.GetTypes().SelectMany(type => type.GetMethods(Everything).Cast<MethodBase>().Concat(type.GetConstructors(Everything)));

    /// <summary>What a method calls, or takes the address of.</summary>
    public static List<MethodBase> CallsOf(MethodBase method)
    {
        var calls = new List<MethodBase>();
        var il = method.GetMethodBody()?.GetILAsByteArray() ?? [];
        for (var at = 0; at < il.Length; )
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
            token,
            caller.DeclaringType?.GetGenericArguments(),
            caller is MethodInfo { IsGenericMethod: true } ? caller.GetGenericArguments() : null
        );
        return called is MethodInfo { IsGenericMethod: true } generic ? generic.GetGenericMethodDefinition() : called;
    }
}
