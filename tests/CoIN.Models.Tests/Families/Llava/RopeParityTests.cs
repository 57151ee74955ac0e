using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Models.Adapters.Lora;
using CoIN.Models.Computing;
using CoIN.Models.Families.Llava;
using CoIN.Models.Sequences;
using CoIN.Models.Tests.Golden;
using CoIN.Models.Tests.Support;
using Newtonsoft.Json.Linq;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Families.Llava;

/// <summary>
/// Scaled rotary embeddings give the reference's logits in whole sequences and when decoding, by libtorch and by the CPU's own kernels.
/// </summary>
[Trait("Category", "Parity")]
public sealed class RopeParityTests : IDisposable
{
    private const string Golden = "llava-v5";

    private readonly IReadOnlyDictionary<string, Tensor> expected = GoldenFolder.Tensors(Golden, "rope_expected.safetensors");
    private readonly TemporaryFolder folder = new();
    private readonly DisposeScope scope = NewDisposeScope();

    public static TheoryData<string> Ropes => [.. Names()];

    private static IEnumerable<string> Names() =>
        Directory
            .EnumerateDirectories(GoldenFolder.Of(Golden, "rope"))
            .Select(path => Path.GetFileName(path)!)
            .Order(StringComparer.Ordinal);

    public static TheoryData<string, bool> Ways()
    {
        var ways = new TheoryData<string, bool>();
        foreach (var name in Names())
        {
            ways.Add(name, false);
            ways.Add(name, true);
        }

        return ways;
    }

    public void Dispose()
    {
        scope.Dispose();
        folder.Dispose();
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void Logits_of_every_length_are_the_reference_s_or_the_type_is_refused_by_name(string name, bool kernels)
    {
        var (type, trained) = Write(name);
        foreach (
            var length in expected
                .Keys.Where(key => key.StartsWith("input_ids.", StringComparison.Ordinal))
                .Select(key => key["input_ids.".Length..])
        )
        {
            var options = new ModelOptions
            {
                Path = folder.Path,
                MaxLength = int.Parse(length, System.Globalization.CultureInfo.InvariantCulture),
            };
            if (type == "dynamic" && options.MaxLength > trained)
            {
                var message = Assert
                    .Throws<CoinException>(() =>
                        LlavaCheckpoint.Load(LlavaSource.Of(options), ScalarType.Float32, TestDevice.Device, _ => { })
                    )
                    .Message;
                Assert.Contains("rope_type is dynamic", message, StringComparison.Ordinal);
                Assert.Contains($"Set model.max-length to {trained} or less", message, StringComparison.Ordinal);
                continue;
            }

            using var model = LlavaCheckpoint.Load(LlavaSource.Of(options), ScalarType.Float32, TestDevice.Device, _ => { });
            Agrees(model, name, length, kernels);
        }
    }

    [Theory]
    [MemberData(nameof(Ropes))]
    public void Gradients_of_the_kernels_go_through_a_scaled_rope_as_the_graph_s_do(string name)
    {
        Write(name);
        using var model = LlavaCheckpoint.Load(LlavaSource.Of(folder.Path), ScalarType.Float32, TestDevice.Device, _ => { });
        var (loss, gradients) = Train(model, kernels: false);
        var (lossOfKernels, gradientsOfKernels) = Train(model, kernels: true);
        Assert.InRange(lossOfKernels, loss - 1e-5, loss + 1e-5);
        Assert.Contains(gradients, gradient => gradient.abs().max().item<float>() > 1e-4);
        foreach (var (one, other) in gradients.Zip(gradientsOfKernels))
        {
            Assert.InRange(GoldenFolder.Difference(one, other), 0, 1e-5);
        }
    }

    private static (double Loss, List<Tensor> Gradients) Train(LlavaModel model, bool kernels)
    {
        var adapter = LoraAdapter.Initialize(model.Language, model.Projector, new() { Rank = 2, Alpha = 4 }, TestDevice.Device, 1);
        foreach (var parameter in adapter.Parameters())
        {
            parameter.requires_grad_();
        }

        int[] ids = [.. Enumerable.Range(3, 12)];
        using var batch = SequenceBatch.Create([new TokenSequence(ids, ids)], model.Config.ImageTokens, ids.Length, TestDevice.Device);
        var loss = TrainingWays.Pass(model, adapter, null, checkpointing: false, kernels).Run(batch, null, 1).item<double>();
        return (loss, [.. adapter.Parameters().Select(parameter => parameter.grad).OfType<Tensor>()]);
    }

    private void Agrees(LlavaModel model, string name, string length, bool kernels)
    {
        using var noGrad = no_grad();
        var ids = expected[$"input_ids.{length}"].flatten().data<long>().Select(id => (int)id).ToList();
        var positions = expected[$"positions.{length}"].flatten();

        // What an older version wrote has the logits of the newer one's.
        var reference = expected.GetValueOrDefault($"{name}.logits.{length}") ?? expected[$"{name.Split('_')[0]}.logits.{length}"];
        using var batch = SequenceBatch.Create([new TokenSequence(ids, null)], model.Config.ImageTokens, ids.Count, TestDevice.Device);
        if (!kernels)
        {
            var logits = model.Language.Logits(model.Language.Forward(model.Embed(batch, null), batch.Sequences));
            Assert.InRange(GoldenFolder.Difference(logits.index_select(0, positions.to(ScalarType.Int64).There()), reference), 0, 2e-4);
        }

        // The beginning as a prompt, and the rest given one by one: each position's logits come from decoding.
        var wanted = positions.data<long>().ToList();
        var first = ids.Count / 2;
        var at = first - 1;
        var request = new GenerationRequest([new TokenSequence([.. ids.Take(first)], null)], null, ids.Count - first + 1)
        {
            FurtherEnds = [],
            Logits = (scores, _) =>
            {
                if (wanted.IndexOf(at) is var row and >= 0)
                {
                    Assert.InRange(GoldenFolder.Difference(scores[0], reference[row]), 0, 2e-4);
                }

                at++;
            },
            Choose = (scores, _) => [at < ids.Count ? ids[at] : 0],
        };
        DecodingWays.Generate(model, request, kernels);
        Assert.InRange(at, ids.Count - 1, ids.Count + 1);
    }

    private (string Type, int Trained) Write(string name)
    {
        foreach (var file in Directory.EnumerateFiles(GoldenFolder.Of(Golden, "model")))
        {
            File.Copy(file, folder.Of(Path.GetFileName(file)), overwrite: true);
        }

        File.Copy(GoldenFolder.Of(Golden, "rope", name, "config.json"), folder.Of("config.json"), overwrite: true);
        var text = JObject.Parse(File.ReadAllText(folder.Of("config.json")))["text_config"]!;
        return (
            (string?)text["rope_parameters"]?["rope_type"] ?? (string?)text["rope_scaling"]?["type"] ?? "",
            (int)text["max_position_embeddings"]!
        );
    }
}
