using CoIN.Benchmark.Learning;
using CoIN.Benchmark.Methods;
using CoIN.Extension.Tests.Support;
using CoIN.Models.Checkpoints;
using CoIN.Models.Methods;
using CoIN.Models.Tests.Golden;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Extension.Tests.Methods;

public sealed class EmaTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_stage_ends_as_the_reference_s_average_from_its_start(bool kernels)
    {
        using var scope = NewDisposeScope();
        using var golden = new GoldenLlama(kernels);
        var folder = golden.Train(
            "average",
            new Ema(new EmaOptions { Decay = (double)GoldenLlama.Meta["ema_decay"]! }),
            "new",
            GoldenFolder.Of("methods-llama", "theta"),
            (int)GoldenLlama.Meta["adamw"]!["ema_steps"]!
        );
        using var found = new SafetensorsFile(Path.Combine(folder, AdapterFiles.Weights));
        Assert.All(GoldenLlama.Expected("ema.safetensors", "ema_from_start."), pair =>
            Assert.InRange(GoldenFolder.Difference(pair.Value, found.Read(pair.Key)), 0, 1e-4)
        );
        Assert.Contains(GoldenLlama.Expected("ema.safetensors", "weights."), pair =>
            GoldenFolder.Difference(pair.Value, found.Read(pair.Key)) > 1e-2
        );
        Assert.False(File.Exists(Path.Combine(folder, AdapterFiles.MethodTensors)));
    }
}
