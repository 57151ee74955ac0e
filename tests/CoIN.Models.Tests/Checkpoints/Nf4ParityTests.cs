using CoIN.Benchmark;
using CoIN.Models.Adapters.Lora;
using CoIN.Models.Adapters.Peft;
using CoIN.Models.Checkpoints;
using CoIN.Models.Computing;
using CoIN.Models.Modules;
using CoIN.Models.Sequences;
using CoIN.Models.Tests.Golden;
using CoIN.Models.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Checkpoints;

/// <summary>Weights in four bits against a reference: what is held, what it stands for, and what a model computes with it.</summary>
[Trait("Category", "Parity")]
public sealed class Nf4ParityTests : IDisposable
{
    private const string Name = "nf4";

    private readonly DisposeScope scope = NewDisposeScope();
    private readonly TemporaryFolder folder = new();
    private readonly IReadOnlyDictionary<string, Tensor> expected = GoldenFolder.Tensors(Name, "expected.safetensors");
    private readonly IReadOnlyDictionary<string, Tensor> weights = GoldenFolder.Tensors(Name, "llama", "model.safetensors");

    public static TheoryData<string, int, bool> Settings =>
        new()
        {
            { "plain", 64, false },
            { "double", 64, true },
            { "wide", 128, true },
        };

    public void Dispose()
    {
        scope.Dispose();
        folder.Dispose();
    }

    [Theory]
    [MemberData(nameof(Settings))]
    public void Codes_and_scales_are_the_references(string setting, int block, bool twice)
    {
        foreach (var (name, weight) in Matrices(setting))
        {
            var prefix = $"{setting}.{name}";
            using var quantized = Nf4Weight.Quantize(weight, new Nf4Settings(block, twice), CPU);
            Equal(expected[$"{prefix}.codes"], quantized.Codes);
            Equal(expected[$"{prefix}.absmax"], quantized.Scales.Held);
            Close(expected[$"{prefix}.dequantized"], Dense(quantized));
            if (twice)
            {
                Close(expected[$"{prefix}.nested_absmax"], quantized.Scales.Larger!);
                Assert.Equal(expected[$"{prefix}.nested_offset"].item<float>(), quantized.Scales.Mean, 1e-6f);
            }
        }

        static void Close(Tensor a, Tensor b) => Assert.InRange(GoldenFolder.Difference(a, b), 0, 1e-6);
    }

    [Fact]
    public void The_8_bit_numbers_of_the_scales_are_torchs() =>
        Assert.All(expected["dynamic"].data<float>().ToArray().Zip(DynamicCode.Numbers.ToArray()), pair =>
            Assert.Equal(pair.First, pair.Second, 1e-7f)
        );

    [Theory]
    [MemberData(nameof(Settings))]
    public void What_the_references_codes_stand_for_is_the_same_bits(string setting, int block, bool twice)
    {
        foreach (var (name, weight) in Matrices(setting))
        {
            Tensor Of(string part) => expected[$"{setting}.{name}.{part}"];
            var scales = twice
                ? new Nf4Scales(Of("absmax"), Of("nested_absmax"), expected["dynamic"], Of("nested_offset").item<float>(), 256)
                : new Nf4Scales(Of("absmax"));
            var held = new Nf4Weight((weight.size(0), weight.size(1)), Of("codes"), scales, block, ScalarType.Float32);
            Equal(Of("dequantized"), Dense(held));
            var other = zeros_like(weight);
            held.ByTorch(other);
            Equal(Of("dequantized"), other);
        }
    }

    [Fact]
    public void Products_are_rounded_to_the_type_that_the_weights_had()
    {
        var quantized = Nf4Weight.Quantize(weights["model.layers.0.self_attn.q_proj.weight"].bfloat16(), new Nf4Settings(), CPU);
        foreach (var dtype in new[] { ScalarType.BFloat16, ScalarType.Float32 })
        {
            var (dense, other) = (empty([64, 64], dtype), empty([64, 64], dtype));
            quantized.Into(dense);
            quantized.ByTorch(other);
            Equal(expected["bfloat16.dequantized"].to(dtype), dense);
            Equal(dense, other);
        }
    }

    /// <summary>As on a GPU, where each is a launch: four for the scales of all blocks, three for each piece of the codes.</summary>
    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void A_map_is_dequantized_by_seven_operators_and_three_for_each_further_piece(ScalarType dtype)
    {
        int Count(int rows)
        {
            using var generator = new Generator(1, CPU);
            using var quantized = Nf4Weight.Quantize(randn([rows, 4096], generator: generator).to(dtype), new Nf4Settings(), CPU);
            var (here, there) = (empty([rows, 4096], dtype), empty([rows, 4096], dtype));
            quantized.Into(here);
            var operators = OperatorCounter.Of(() => quantized.ByTorch(there)).Values.Sum();
            Equal(here, there);
            return operators;
        }

        Assert.Equal(7, Count(256));
        Assert.Equal(10, Count(2304));
    }

    [Theory]
    [InlineData("llama", false)]
    [InlineData("packed", false)]
    [InlineData("llama", true)]
    [InlineData("packed", true)]
    public void Logits_losses_and_gradients_agree_with_a_model_of_the_dequantized_weights(string from, bool kernels)
    {
        var meta = GoldenFolder.Json(Name, "meta.json");
        using var language = Language(from, new Nf4Settings());
        using var batch = SequenceBatch.Create(
            [.. Enumerable.Range(0, 2).Select(row => new TokenSequence(Row("ids", row), Row("labels", row)))],
            0,
            128,
            CPU
        );
        using var adapter = (LoraAdapter)PeftFolder.Read(GoldenFolder.Of(Name, "adapter"), language, NoProjector);
        using (no_grad())
        {
            Assert.InRange(GoldenFolder.Difference(expected["logits"].reshape(-1, 96), Logits(null)), 0, 2e-4);
            Assert.InRange(GoldenFolder.Difference(expected["adapted.logits"].reshape(-1, 96), Logits(adapter)), 0, 2e-4);
        }

        foreach (var parameter in adapter.UpdateParameters())
        {
            parameter.requires_grad_(true);
        }

        foreach (var checkpointing in new[] { false, true })
        {
            foreach (var parameter in adapter.UpdateParameters())
            {
                parameter.grad?.zero_();
            }

            var backend = TrainingWays.Backend(kernels);
            var loss = backend.Training(new TextModel(language, backend), adapter, null, checkpointing).Run(batch, null, 1).item<double>();
            Assert.Equal((double)meta["loss"]!, loss, 2e-5);
            var gradients = PeftFolder.LowRank(adapter, tensor => tensor.grad!);
            Assert.Equal(expected.Keys.Where(key => key.StartsWith("grad.", StringComparison.Ordinal)).Count(), gradients.Count());
            Assert.All(gradients, pair => Assert.InRange(GoldenFolder.Difference(expected[$"grad.{pair.Key}"], pair.Value), 0, 1e-4));
        }

        Tensor Logits(LoraAdapter? beside) =>
            language.Logits(language.Forward(language.Embed(batch.TextIds), batch.Sequences, beside?.Updates()));
    }

    [Fact]
    public void Saved_weights_are_the_same_bits_as_those_that_are_quantized_here()
    {
        using var saved = Language("packed", new Nf4Settings());
        using var made = Language("llama", new Nf4Settings());
        foreach (var (a, b) in saved.Layers.SelectMany(layer => layer.Linears).Zip(made.Layers.SelectMany(layer => layer.Linears)))
        {
            Assert.All(a.Packed!.Zip(b.Packed!), pair => Equal(pair.First.Codes, pair.Second.Codes));
            Assert.All(a.Packed!.Zip(b.Packed!), pair => Equal(pair.First.Scales.Held, pair.Second.Scales.Held));
        }
    }

    [Fact]
    public void Saved_weights_are_refused_where_others_are_asked_for_and_where_they_do_not_fit_together()
    {
        string Refused(Nf4Settings? asked, string path) => Assert.Throws<CoinException>(() => Language(path, asked, outline: true)).Message;
        Assert.Contains("model.quantization = \"nf4\"", Refused(null, "packed"), StringComparison.Ordinal);
        Assert.Contains("model.double-quantization = true", Refused(new Nf4Settings(64, false), "packed"), StringComparison.Ordinal);
        Assert.Contains("model.quantization-block-size = 64", Refused(new Nf4Settings(128), "packed"), StringComparison.Ordinal);

        // With a number of NF4's that is another.
        var tensors = GoldenFolder.Tensors(Name, "packed", "model.safetensors").ToDictionary();
        const string Map = "model.layers.1.mlp.down_proj.weight";
        tensors[$"{Map}.quant_map"] = tensors[$"{Map}.quant_map"].neg();
        SafetensorsWriter.Write(folder.Of("model.safetensors"), tensors);
        var message = Assert.Throws<CoinException>(() => Language(folder.Path, new Nf4Settings())).Message;
        Assert.Contains(Map, message, StringComparison.Ordinal);
        Assert.Contains("other numbers than NF4's", message, StringComparison.Ordinal);
    }

    private static Projector NoProjector => new([zeros(64, 8), zeros(64), zeros(64, 64), zeros(64)], ProjectorForm.Llava);

    private static Tensor Dense(Nf4Weight weight)
    {
        var dense = empty([weight.Rows, weight.Columns], ScalarType.Float32);
        weight.Into(dense);
        return dense;
    }

    private static void Equal(Tensor a, Tensor b)
    {
        Assert.Equal(a.dtype, b.dtype);
        Assert.Equal(a.numel(), b.numel());
        Assert.Equal(a.contiguous().bytes.ToArray(), b.contiguous().bytes.ToArray());
    }

    /// <summary>A model of the fixture, or of a folder.</summary>
    private static DecoderModel Language(string from, Nf4Settings? nf4, bool outline = false)
    {
        using var noGrad = no_grad();
        using var checkpoint = CheckpointFolder.Open(Path.IsPathRooted(from) ? from : GoldenFolder.Of(Name, from));
        var model = new DecoderModel(
            checkpoint,
            "model.",
            "lm_head.weight",
            new DecoderConfig(64, 112, 2, 4, 2, 96, 1e-5, 10000, 128, false),
            ScalarType.Float32,
            outline ? new Device(DeviceType.META) : CPU,
            nf4: nf4
        );
        checkpoint.FinishUsed();
        return model;
    }

    private List<int> Row(string name, int row) => [.. expected[name][row].data<long>().ToArray().Select(value => (int)value)];

    private IEnumerable<(string Name, Tensor Weight)> Matrices(string setting) =>
        expected
            .Keys.Where(key => key.StartsWith($"{setting}.", StringComparison.Ordinal) && key.EndsWith(".codes", StringComparison.Ordinal))
            .Select(key => key[(setting.Length + 1)..^".codes".Length])
            .Select(name => (name, name == "edge" ? expected["edge"] : weights[$"{name}.weight"]));
}
