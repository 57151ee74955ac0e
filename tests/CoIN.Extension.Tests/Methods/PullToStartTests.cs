using CoIN.Benchmark;
using CoIN.Benchmark.Learning;
using CoIN.Extension.Tests.Support;
using CoIN.Models.Methods;
using CoIN.Models.Tests.Golden;
using CoIN.Models.Torch;
using Newtonsoft.Json.Linq;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Extension.Tests.Methods;

/// <summary>A method that the product does not know, trained in real sessions by both backends.</summary>
public sealed class PullToStartTests : IDisposable
{
    private const double Strength = 5;

    private readonly DisposeScope scope = NewDisposeScope();
    private readonly TinyStage tiny = new();

    public void Dispose()
    {
        tiny.Dispose();
        scope.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Its_gradient_goes_through_the_optimizer_as_computed_by_hand(bool kernels)
    {
        var plain = new Witness([]);
        tiny.Train("plain", 2, kernels, plain);
        tiny.Train("pulled", 2, kernels, Pull());

        var training = tiny.Options.Training;
        var (found, without) = (Trained("pulled"), Trained("plain"));
        Assert.Equal(plain.Steps[0].Keys.Order(), found.Keys.Order());
        double apart = 0;
        foreach (var (name, first) in plain.Steps[0])
        {
            // Nothing is pulled in the first step. The moments begin as zeros.
            var second = plain.Steps[1][name];
            var (start, after) = (first.Value.@double(), second.Value.@double());
            var pulled = second.Gradient.@double() + (Strength * (after - start));
            var mean = (training.Beta1 * (1 - training.Beta1) * first.Gradient.@double()) + ((1 - training.Beta1) * pulled);
            var square = (training.Beta2 * (1 - training.Beta2) * first.Gradient.@double().pow(2)) + ((1 - training.Beta2) * pulled.pow(2));
            var (meanHat, squareHat) = (mean / (1 - Math.Pow(training.Beta1, 2)), square / (1 - Math.Pow(training.Beta2, 2)));
            var expected = after - (training.LearningRate * meanHat / (squareHat.sqrt() + training.Epsilon));
            Assert.InRange(GoldenFolder.Difference(found[name], expected), 0, 2e-5);
            apart = Math.Max(apart, GoldenFolder.Difference(found[name], without[name]));
        }

        Assert.InRange(apart, 1e-3, 1);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Training_from_a_checkpoint_ends_with_the_bytes_of_training_without_one(bool kernels)
    {
        tiny.Train("whole", 3, kernels, Pull());
        tiny.Train("half", 2, kernels, Pull());
        tiny.Train("rest", 3, kernels, Pull(), checkpoint: "half-checkpoint");
        Assert.Equal(tiny.Contents("whole"), tiny.Contents("rest"));
        Assert.Equal(tiny.Contents("whole-checkpoint"), tiny.Contents("rest-checkpoint"));
        Assert.NotEqual(tiny.Contents("whole")[AdapterFiles.Weights], tiny.Contents("half")[AdapterFiles.Weights]);
        Assert.Equal(tiny.Contents("whole")[AdapterFiles.MethodTensors], tiny.Contents("half")[AdapterFiles.MethodTensors]);
    }

    [Fact]
    public void The_next_stage_finds_its_state_beside_the_adapter()
    {
        tiny.Train("one", 3, false, Pull());
        tiny.Train("two", 2, false, Pull(), stage: 2, adapter: "one");
        tiny.Train("again", 3, false, Pull(), stage: 2, adapter: "one", checkpoint: "two-checkpoint");
        foreach (var folder in new[] { "two", "again" })
        {
            Assert.Equal(2, (int)JObject.Parse(File.ReadAllText(tiny.Folder.Of(folder, AdapterFiles.MethodValues)))["Values"]!["Stages"]!);
            var (start, anchor) = (Trained("one"), tiny.Tensors(folder, AdapterFiles.MethodTensors));
            Assert.Equal(start.Keys.Order(), anchor.Keys.Order());
            Assert.All(start, pair => Assert.Equal(0, GoldenFolder.Difference(pair.Value, anchor[pair.Key])));
        }

        Assert.Empty(tiny.Warnings);
    }

    [Fact]
    public void State_that_another_method_would_pass_over_is_told()
    {
        tiny.Train("one", 1, false, Pull());
        tiny.Train("two", 1, false, null, tiny.Options with { Method = "sequential-lora" }, stage: 2, adapter: "one");
        Assert.Contains("the state of the method watched; this is sequential-lora", Assert.Single(tiny.Warnings), StringComparison.Ordinal);
        Assert.DoesNotContain(AdapterFiles.MethodValues, tiny.Contents("two").Keys);
    }

    [Fact]
    public void A_checkpoint_without_the_method_s_state_or_with_another_s_is_refused()
    {
        tiny.Train("plain", 1, false, null);
        tiny.Train("pulled", 1, false, Pull());
        Assert.Contains(
            "no method's state, but this is watched",
            Assert.Throws<CoinException>(() => tiny.Open(false, Pull(), checkpoint: "plain-checkpoint")).Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "the state of the method watched, but this is watched, which keeps none",
            Assert.Throws<CoinException>(() => tiny.Open(false, null, checkpoint: "pulled-checkpoint")).Message,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData(AdapterFiles.MethodValues, "{\"Version\": 2}", "version 2")]
    [InlineData(AdapterFiles.MethodValues, "{\"Version\": 1, \"Method\": \"watched\"}", "\"Tensors\"")]
    [InlineData(AdapterFiles.MethodValues, "{\"Version\": 1, \"Method\": \"watched\", \"Tensors\": 3, \"Values\": {}}", "tensors where")]
    [InlineData(AdapterFiles.MethodTensors, "cut", "cut")]
    public void Damaged_state_is_named(string file, string text, string told)
    {
        tiny.Train("one", 1, false, Pull());
        File.WriteAllText(tiny.Folder.Of("one", file), text);
        var message = Assert.Throws<CoinException>(() => tiny.Open(false, Pull(), stage: 2, adapter: "one")).Message;
        Assert.Contains(tiny.Folder.Of("one", file), message, StringComparison.Ordinal);
        Assert.Contains(told == "cut" ? file : told, message, StringComparison.Ordinal);
    }

    private static PullToStart Pull() => new(new PullToStartOptions { Strength = Strength });

    private Dictionary<string, Tensor> Trained(string folder) =>
        tiny.Tensors(folder, AdapterFiles.Weights)
            .Concat(tiny.Tensors(folder, AdapterFiles.Projector))
            .ToDictionary(pair => pair.Key, pair => pair.Value);
}
