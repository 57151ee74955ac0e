using System.Globalization;
using System.Runtime.InteropServices;
using CoIN.Benchmark;
using CoIN.Models.Adapters;
using CoIN.Models.Checkpoints;
using CoIN.Models.Modules;
using CoIN.Models.Torch;
using CoIN.Models.Training;
using Newtonsoft.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Devices;

/// <summary>
/// What a program of this kind asks of a libtorch, in small, beside the same computed by plain loops in double precision: weights written
/// and read, a matrix product, autograd, attention through TorchScript, the fused optimizer, the narrow types; on the CPU and on the first
/// device.
/// </summary>
internal static class LibtorchComputations
{
    private const double Close = 1e-4;
    private const double CloseInNarrowTypes = 5e-2;

    /// <summary>Does all of them.</summary>
    /// <param name="say">Told what comes next, before it is tried.</param>
    /// <exception cref="CoinException">A number is another one than it should be.</exception>
    public static LibtorchTrialResult Run(Action<string> say)
    {
        Device[] devices = cuda.is_available() ? [CPU, new Device(DeviceType.CUDA, 0)] : [CPU];
        var done = 0;
        foreach (var device in devices)
        {
            foreach (var (name, compute) in Computations)
            {
                say($"{name} on {device}");
                using var scope = NewDisposeScope();
                compute(device);
                done++;
            }
        }

        return new LibtorchTrialResult(null, done, [.. devices.Select(device => device.ToString())]);
    }

    private static readonly (string Name, Action<Device> Compute)[] Computations =
    [
        ("loading weights", Weights),
        ("a matrix product", Product),
        ("autograd", Autograd),
        ("attention", Attention),
        ("the optimizer", Optimizer),
        ("bfloat16", device => Narrow(device, ScalarType.BFloat16)),
        ("float16", device => Narrow(device, ScalarType.Float16)),
        ("fused operators", _ => FusedOperators()),
    ];

    private static void Weights(Device device)
    {
        var folder = Directory.CreateTempSubdirectory("coin-libtorch-").FullName;
        try
        {
            var values = Numbers(1, 6 * 4);
            var path = Path.Combine(folder, "weights.safetensors");
            SafetensorsWriter.Write(
                path,
                new Dictionary<string, Tensor>
                {
                    ["float32"] = Matrix(values, 6, 4, device),
                    ["bfloat16"] = Matrix(values, 6, 4, device).to(ScalarType.BFloat16),
                }
            );
            using var file = new SafetensorsFile(path);
            Expect("float32 weights", values, file.Read("float32").to(device), 0);
            Expect("bfloat16 weights", values, file.Read("bfloat16").to(device).to(ScalarType.Float32), 1.0 / 128);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Product(Device device)
    {
        double[] x = Numbers(2, 5 * 8),
            w = Numbers(3, 3 * 8);
        Expect("x Wᵀ", Linear(x, w, 5, 8, 3), nn.functional.linear(Matrix(x, 5, 8, device), Matrix(w, 3, 8, device)), Close);
    }

    /// <summary>The mean square of x Wᵀ, whose gradient is 2/n · (x Wᵀ)ᵀ x.</summary>
    private static void Autograd(Device device)
    {
        double[] x = Numbers(4, 5 * 8),
            w = Numbers(5, 3 * 8),
            y = Linear(x, w, 5, 8, 3),
            gradient = new double[3 * 8];
        for (var row = 0; row < 5; row++)
        {
            for (var o = 0; o < 3; o++)
            {
                for (var i = 0; i < 8; i++)
                {
                    gradient[(o * 8) + i] += 2.0 / y.Length * y[(row * 3) + o] * x[(row * 8) + i];
                }
            }
        }

        var weight = Matrix(w, 3, 8, device).requires_grad_();
        var product = nn.functional.linear(Matrix(x, 5, 8, device), weight);
        product.mul(product).mean().backward();
        Expect("the gradient", gradient, weight.grad!, Close);
    }

    private static void Attention(Device device)
    {
        double[] q = Numbers(6, 4 * 8),
            k = Numbers(7, 4 * 8),
            v = Numbers(8, 4 * 8),
            expected = new double[4 * 8];
        for (var row = 0; row < 4; row++)
        {
            var scores = Enumerable
                .Range(0, row + 1)
                .Select(key => Math.Exp(Enumerable.Range(0, 8).Sum(i => q[(row * 8) + i] * k[(key * 8) + i]) / Math.Sqrt(8)))
                .ToArray();
            for (var i = 0; i < 8; i++)
            {
                expected[(row * 8) + i] = Enumerable.Range(0, row + 1).Sum(key => scores[key] / scores.Sum() * v[(key * 8) + i]);
            }
        }

        Tensor Head(double[] values) => Matrix(values, 4, 8, device).view(1, 1, 4, 8);
        var attended = nn.functional.scaled_dot_product_attention(Head(q), Head(k), Head(v), is_casual: true);
        Expect("causal attention", expected, attended, Close);
    }

    /// <summary>The first step of AdamW moves each parameter by the rate, against its gradient's sign.</summary>
    private static void Optimizer(Device device)
    {
        const double Rate = 0.01;
        const double Epsilon = 1e-8;
        double[] values = Numbers(9, 12),
            gradients = Numbers(10, 12);
        using var parameter = Matrix(values, 3, 4, device).requires_grad_();
        parameter.grad = Matrix(gradients, 3, 4, device);
        using var optimizer = new FusedAdamW([new ParameterGroup([parameter], Rate)], 0.9, 0.999, Epsilon, 0);
        var norm = Math.Sqrt(gradients.Sum(gradient => gradient * gradient));
        Differ("the gradient's norm", norm, optimizer.GradNorm(), Close);
        optimizer.Step(1);
        Expect(
            "AdamW's first step",
            [.. values.Zip(gradients, (value, g) => value - (Rate * g / (Math.Abs(g) + Epsilon)))],
            parameter,
            Close
        );
    }

    private static void Narrow(Device device, ScalarType type)
    {
        double[] x = Numbers(11, 5 * 8),
            w = Numbers(12, 3 * 8);
        var product = nn.functional.linear(Matrix(x, 5, 8, device).to(type), Matrix(w, 3, 8, device).to(type));
        Expect($"x Wᵀ in {type}", Linear(x, w, 5, 8, 3), product.to(ScalarType.Float32), CloseInNarrowTypes);
    }

    /// <summary>
    /// Each is used where it is there and agrees, so a libtorch may lack them. But one that ends the process when it is asked for an
    /// operator that it does not know must not be asked first in a run.
    /// </summary>
    private static void FusedOperators()
    {
        foreach (var known in new[] { FusedRmsNorm.IsKnown, VariableLengthAttention.IsKnown, FusedDropout.IsKnown, WideProduct.IsKnown })
        {
            try
            {
                known();
            }
            catch (ExternalException)
            {
                // Plain operators will do.
            }
        }
    }

    private static double[] Linear(double[] x, double[] w, int rows, int inputs, int outputs) =>
        [
            .. from row in Enumerable.Range(0, rows)
            from o in Enumerable.Range(0, outputs)
            select Enumerable.Range(0, inputs).Sum(i => x[(row * inputs) + i] * w[(o * inputs) + i]),
        ];

    private static double[] Numbers(int seed, int count)
    {
        var random = new SeededRandom(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (double)(float)((2 * random.NextDouble()) - 1))];
    }

    private static Tensor Matrix(double[] values, long rows, long columns, Device device) =>
        tensor(Array.ConvertAll(values, value => (float)value)).view(rows, columns).to(device);

    private static void Expect(string what, double[] expected, Tensor found, double tolerance)
    {
        var numbers = found.detach().cpu().contiguous().data<float>().ToArray();
        for (var i = 0; i < expected.Length; i++)
        {
            Differ(what, expected[i], numbers[i], tolerance);
        }
    }

    private static void Differ(string what, double expected, double found, double tolerance)
    {
        // Written so that a NaN differs.
        if (!(Math.Abs(found - expected) <= tolerance * Math.Max(1, Math.Abs(expected))))
        {
            throw new CoinException(string.Create(CultureInfo.InvariantCulture, $"{what} is {found:g6} where {expected:g6} is right"));
        }
    }
}
