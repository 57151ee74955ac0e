using CoIN.Benchmark;
using CoIN.Benchmark.Learning;
using CoIN.Benchmark.Methods;
using CoIN.Extension.Tests.Support;
using CoIN.Models.Checkpoints;
using CoIN.Models.Methods;
using CoIN.Models.Tests.Golden;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Extension.Tests.Methods;

public sealed class EwcTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();

    public void Dispose() => scope.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Fisher_information_penalties_and_steps_are_the_reference_s(bool kernels)
    {
        using var golden = new GoldenLlama(kernels);
        var options = Options("lambda_big");
        var one = Learn(golden, "one", options, "old1", GoldenFolder.Of("methods-llama", "star1"));
        AssertFisher(GoldenLlama.Expected("fisher.safetensors", "mean.task1."), one);
        AssertFisher(
            GoldenLlama.Expected("fisher.safetensors", "sum.task1."),
            Learn(golden, "sums", options with { Loss = EwcLoss.Sum }, "old1", GoldenFolder.Of("methods-llama", "star1"))
        );
        AssertPenalty("lambda_big.", options, one);
        AssertPenalty("lambda_0.1.", Options("lambda"), one);

        AssertPenalty("two_tasks_sum.", options, Learn(golden, "two", options, "old2", golden.With("star2", one)));
        var online = options with { Mode = EwcMode.Online, Gamma = (double)GoldenLlama.Meta["gamma"]! };
        var first = Learn(golden, "online-one", online, "old1", GoldenFolder.Of("methods-llama", "star1"));
        AssertPenalty("online.", online, Learn(golden, "online-two", online, "old2", golden.With("star2", first)));

        foreach (var key in new[] { "lambda", "lambda_big" })
        {
            AssertTrained(golden, key, one);
        }
    }

    [Theory]
    [InlineData("bfloat16", "host", 4e-3)]
    [InlineData("float32", "host", 0)]
    public void State_in_a_short_type_or_on_the_host_gives_the_same_to_its_precision(string dtype, string on, double off)
    {
        using var golden = new GoldenLlama(false);
        var star = GoldenFolder.Of("methods-llama", "star1");
        var exact = Learn(golden, "exact", Options("lambda"), "old1", star);
        var other = Learn(golden, "other", Options("lambda") with { StateDtype = dtype, StateOn = on }, "old1", star);
        using SafetensorsFile left = Open(exact),
            right = Open(other);
        Assert.Equal(left.Names, right.Names);
        Assert.All(left.Names, name =>
            Assert.InRange(GoldenFolder.Difference(left.Read(name), right.Read(name)), 0, off * left.Read(name).abs().max().item<float>())
        );
        Assert.Equal(off > 0, left.Names.Any(name => GoldenFolder.Difference(left.Read(name), right.Read(name)) > 0));
    }

    [Fact]
    public void A_state_of_another_kind_and_too_few_samples_are_refused()
    {
        using var golden = new GoldenLlama(false);
        var options = Options("lambda");
        var one = Learn(golden, "one", options, "old1", GoldenFolder.Of("methods-llama", "star1"));
        var other = Assert.Throws<CoinException>(() =>
            Learn(golden, "two", options with { Mode = EwcMode.Online }, "old2", golden.With("star2", one))
        );
        Assert.Contains("ewc.mode = sum", other.Message, StringComparison.Ordinal);
        var few = Assert.Throws<CoinException>(() =>
            Learn(golden, "few", options with { Samples = 1000 }, "old1", GoldenFolder.Of("methods-llama", "star1"))
        );
        Assert.Contains("coin.ewc.samples is 1000, but stage 1 (old1) has", few.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_penalty_is_that_of_a_plain_network_too()
    {
        var file = GoldenFolder.Tensors("coin-methods", "methods.safetensors");
        using var method = new Ewc(
            new EwcOptions { Lambda = (double)GoldenFolder.Json("coin-methods", "scalars.json")["scalars"]!["lambda"]! }
        );
        const string Of = "ewc.grad_penalty_half_lambda.";
        var names = file.Keys.Where(key => key.StartsWith(Of, StringComparison.Ordinal)).Select(key => key[Of.Length..]).ToList();
        Assert.NotEmpty(names);
        method.Parameters = [.. names.Select(name => new TrainedParameter(name, file[$"theta.{name}"], zeros_like(file[$"theta.{name}"])))];
        foreach (var name in names)
        {
            method.State.Tensors[Ewc.Fisher + name] = file[$"fisher.empirical.{name}"];
            method.State.Tensors[Ewc.Anchor + name] = file[$"star.{name}"];
        }

        method.AddGradients();
        Assert.All(method.Parameters, one => Assert.InRange(GoldenFolder.Difference(file[Of + one.Name], one.Gradient), 0, 1e-6));
    }

    private static EwcOptions Options(string lambda) => new() { Lambda = (double)GoldenLlama.Meta[lambda]!, Samples = 1 };

    /// <summary>The end of a stage that has moved nothing.</summary>
    private static string Learn(GoldenLlama golden, string name, EwcOptions options, string set, string from)
    {
        var all = options.Samples > 1 ? options : options with { Samples = (int)GoldenLlama.Meta["samples"]![set]! };
        return golden.Train(name, new Ewc(all), set, from, steps: 0);
    }

    private static SafetensorsFile Open(string folder) => new(Path.Combine(folder, AdapterFiles.MethodTensors));

    private static void AssertFisher(Dictionary<string, Tensor> expected, string folder)
    {
        using var found = Open(folder);
        Assert.All(expected, pair =>
            Assert.InRange(
                GoldenFolder.Difference(pair.Value, found.Read(Ewc.Fisher + pair.Key)),
                0,
                1e-4 * pair.Value.abs().max().item<float>()
            )
        );
    }

    private static void AssertPenalty(string prefix, EwcOptions options, string folder)
    {
        using var method = new Ewc(options);
        using var theta = new SafetensorsFile(GoldenFolder.Of("methods-llama", "theta", AdapterFiles.Weights));
        method.Parameters =
        [
            .. theta
                .Names.Select(name => (Name: name, Value: theta.Read(name)))
                .Select(one => new TrainedParameter(one.Name, one.Value, zeros_like(one.Value))),
        ];
        method.State.Read(folder, CPU);
        using (no_grad())
        {
            method.AddGradients();
        }

        var expected = GoldenLlama.Expected("ewc.safetensors", $"grad_penalty.{prefix}");
        Assert.Equal(expected.Keys.Order(StringComparer.Ordinal), method.Parameters.Select(one => one.Name).Order(StringComparer.Ordinal));
        Assert.All(method.Parameters, one =>
            Assert.InRange(
                GoldenFolder.Difference(expected[one.Name], one.Gradient),
                0,
                1e-4 + (1e-4 * expected[one.Name].abs().max().item<float>())
            )
        );
    }

    private static void AssertTrained(GoldenLlama golden, string key, string state)
    {
        var steps = (int)GoldenLlama.Meta["adamw"]!["steps"]!;
        var samples = (int)GoldenLlama.Meta["samples"]!["new"]!;
        var folder = golden.Train(
            $"final-{key}",
            new Ewc(Options(key) with { Samples = samples }),
            "new",
            golden.With("theta", state),
            steps,
            stage: 2
        );
        GoldenLlama.AssertTrained(
            GoldenLlama.Expected("ewc.safetensors", key == "lambda" ? $"final.lambda_{GoldenLlama.Meta[key]}." : "final.lambda_big."),
            folder
        );
    }
}
