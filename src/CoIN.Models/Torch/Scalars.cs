using System.Collections.Concurrent;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Torch;

/// <summary>
/// Numbers as operands of tensor operations, made once for each value and kept.
/// <para>
/// A number written in an expression such as <c>x * 0.5</c> becomes a temporary <see cref="Scalar"/> which TorchSharp does not keep alive
/// while the native call reads it: should the garbage collector run at that moment, the call reads freed memory. Every operation that takes
/// a number therefore gets it from here.
/// </para>
/// </summary>
internal static class Scalars
{
    private static readonly ConcurrentDictionary<double, Scalar> Reals = new();
    private static readonly ConcurrentDictionary<long, Scalar> Integers = new();

    /// <summary>The integer 1, by which a sum of two tensors multiplies the second: also <c>x + y</c> makes a temporary scalar.</summary>
    public static Scalar One { get; } = Of(1L);

    /// <summary>A real number. For the few values that a program's text or configuration has: none is ever given back.</summary>
    public static Scalar Of(double value) => Reals.GetOrAdd(value, static real => real.ToScalar());

    /// <summary>An integer; otherwise as for real numbers.</summary>
    public static Scalar Of(long value) => Integers.GetOrAdd(value, static integer => integer.ToScalar());

    /// <summary>Calls an operation with a real number that is one of many, and given back at once.</summary>
    public static Tensor With(double value, Func<Scalar, Tensor> operation)
    {
        using var scalar = value.ToScalar();
        return operation(scalar);
    }

    /// <summary>Calls a TorchScript function.</summary>
    /// <param name="numbers">Its last arguments; kept alive until the function has returned.</param>
    /// <param name="tensors">The arguments before them: tensors, or arrays of tensors.</param>
    public static object Invoke(torch.jit.CompilationUnit script, string function, double[] numbers, params object[] tensors)
    {
        var scalars = Array.ConvertAll(numbers, static number => number.ToScalar());
        try
        {
            return script.invoke(function, [.. tensors, .. scalars]);
        }
        finally
        {
            Array.ForEach(scalars, static scalar => scalar.Dispose());
        }
    }
}
