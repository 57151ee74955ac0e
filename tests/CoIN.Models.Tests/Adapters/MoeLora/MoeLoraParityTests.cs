using CoIN.Benchmark;
using CoIN.Models.Adapters;
using CoIN.Models.Adapters.MoeLora;
using CoIN.Models.Checkpoints;
using CoIN.Models.Computing;
using CoIN.Models.Cpu;
using CoIN.Models.Modules;
using CoIN.Models.Sequences;
using CoIN.Models.Tests.Golden;
using CoIN.Models.Tests.Support;
using CoIN.Models.Training;
using Newtonsoft.Json.Linq;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Adapters.MoeLora;

/// <summary>MoELoRA against the classes of CoIN's own PEFT.</summary>
[Trait("Category", "Parity")]
public sealed class MoeLoraParityTests : IDisposable
{
    private const string Name = "moelora";
    private const string Config = "adapter_config.json";
    private const string Weights = "adapter_model.safetensors";

    private readonly TemporaryFolder folder = new();
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly JObject meta = GoldenFolder.Json(Name, "meta.json");
    private readonly IReadOnlyDictionary<string, Tensor> inputs = GoldenFolder.Tensors(Name, "inputs.safetensors");
    private readonly DecoderModel language;
    private readonly Projector projector;

    public MoeLoraParityTests()
    {
        var config = GoldenFolder.Json(Name, "llama", "config.json");
        int Size(string key) => (int)config[key]!;
        var theta = (double?)config["rope_theta"] ?? (double?)config["rope_parameters"]?["rope_theta"] ?? 10000;
        using var checkpoint = CheckpointFolder.Open(GoldenFolder.Of(Name, "llama", "model.safetensors"));
        language = new DecoderModel(
            checkpoint,
            "model.",
            "lm_head.weight",
            new DecoderConfig(
                Size("hidden_size"),
                Size("intermediate_size"),
                Size("num_hidden_layers"),
                Size("num_attention_heads"),
                Size("num_key_value_heads"),
                Size("vocab_size"),
                (double)config["rms_norm_eps"]!,
                theta,
                Size("max_position_embeddings"),
                (bool?)config["tie_word_embeddings"] == true
            ),
            ScalarType.Float32,
            TestDevice.Device
        );
        checkpoint.FinishUsed();
        var hidden = Size("hidden_size");
        projector = new Projector(
            [.. new[] { zeros(hidden, 8), zeros(hidden), zeros(hidden, hidden), zeros(hidden) }.Select(TestDevice.There)],
            ProjectorForm.Llava
        );
    }

    public void Dispose()
    {
        language.Dispose();
        scope.Dispose();
        folder.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_layer_and_its_gradients_agree_with_the_reference(bool kernels)
    {
        _ = TrainingWays.Backend(kernels);
        var tensors = GoldenFolder.Tensors(Name, "layer", "inputs.safetensors");
        var expected = GoldenFolder.Tensors(Name, "layer", "expected.safetensors");
        var sizes = meta["layer"]!;
        int rank = (int)sizes["r"]!,
            experts = (int)sizes["expert_num"]!,
            outs = (int)sizes["out_features"]!,
            ins = (int)sizes["in_features"]!;
        SafetensorsWriter.Write(folder.Of("linear.safetensors"), new Dictionary<string, Tensor> { ["one.weight"] = tensors["weight"] });
        using var checkpoint = CheckpointFolder.Open(folder.Of("linear.safetensors"));
        var linear = Linear.Take(checkpoint, "", ins, bias: false, ScalarType.Float32, TestDevice.Device, new LinearPart("one", outs));
        using var moe = MoeLoraLinear.Empty(linear, rank, experts, TestDevice.Device);
        foreach (var expert in moe.ExpertSlices())
        {
            expert.A.copy_(tensors[$"lora_A.default.loraA.{expert.Number}.weight"]);
            expert.B.copy_(tensors[$"lora_B.default.loraB.{expert.Number}.weight"]);
        }

        moe.Routers().Single().Router.copy_(tensors["lora_router.default.weight"]);
        foreach (var parameter in moe.Parameters())
        {
            parameter.requires_grad_(true);
        }

        Tensor? routed = null;
        var update = new MoeLoraUpdate(moe, (double)sizes["lora_alpha"]! / rank, null, gates =>
            routed = gates.detach().clone().DetachFromDisposeScope()
        );
        var x = tensors["x"].reshape(-1, ins).clone().There();
        var outer = tensors["grad_output"].reshape(-1, outs).contiguous().There();
        Tensor output,
            inputGradient;
        if (kernels)
        {
            using var noGrad = no_grad();
            output = CpuLinear.Forward(linear, update, x, null, keeps: true, out var tape);
            inputGradient = tape.Backward(x, outer)!;
            tape.Dispose();
        }
        else
        {
            x.requires_grad_(true);
            output = update.AddTo([linear.Forward(x)], x)[0];
            output.backward([outer]);
            inputGradient = x.grad!;
        }

        Assert.InRange(GoldenFolder.Difference(output.detach(), expected["output"].reshape(-1, outs)), 0, 2e-5);
        Assert.InRange(GoldenFolder.Difference(routed!.reshape(-1, experts), expected["router"].reshape(-1, experts)), 0, 2e-5);
        Assert.InRange(GoldenFolder.Difference(inputGradient, expected["grad.x"].reshape(-1, ins)), 0, 1e-4);
        foreach (var expert in moe.ExpertSlices(parameter => parameter.grad!))
        {
            Assert.InRange(GoldenFolder.Difference(expert.A, expected[$"grad.lora_A.default.loraA.{expert.Number}.weight"]), 0, 1e-4);
            Assert.InRange(GoldenFolder.Difference(expert.B, expected[$"grad.lora_B.default.loraB.{expert.Number}.weight"]), 0, 1e-4);
        }

        Assert.InRange(
            GoldenFolder.Difference(moe.Routers(parameter => parameter.grad!).Single().Router, expected["grad.lora_router.default.weight"]),
            0,
            1e-4
        );
    }

    [Fact]
    public void Logits_agree_with_the_reference()
    {
        using var noGrad = no_grad();
        using var adapter = Read("adapter");
        using var batch = Batch();
        var expected = GoldenFolder.Tensors(Name, "expected.safetensors")["logits"];
        var logits = language.Logits(language.Forward(language.Embed(batch.TextIds), batch.Sequences, adapter.Updates()));
        Assert.InRange(GoldenFolder.Difference(logits, expected[inputs["attention_mask"].to(ScalarType.Bool)]), 0, 2e-4);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public void Loss_gradients_and_optimizer_steps_agree_with_the_reference(bool kernels, bool checkpointing)
    {
        using var adapter = Read("adapter");
        foreach (var parameter in adapter.Parameters())
        {
            parameter.requires_grad_(true);
        }

        using var batch = Batch();
        IBackend backend = TrainingWays.Backend(kernels);
        var pass = backend.Training(new TextModel(language, backend), adapter, null, checkpointing);
        var adamw = meta["adamw"]!;
        var losses = adamw["loss_before_each_step_then_after"]!.Select(value => (double)value).ToList();
        using var optimizer = new FusedAdamW(
            [new([.. adapter.UpdateParameters()], (double)adamw["lr"]!)],
            (double)adamw["betas"]![0]!,
            (double)adamw["betas"]![1]!,
            (double)adamw["eps"]!,
            (double)adamw["weight_decay"]!
        );
        for (var step = 0; step <= (int)adamw["steps"]!; step++)
        {
            optimizer.ZeroGrad();
            var loss = pass.Run(batch, null, 1).item<double>();
            Assert.InRange(loss - losses[step], step == 0 ? -2e-5 : -1e-3, step == 0 ? 2e-5 : 1e-3);
            if (step == 0)
            {
                var reference = GoldenFolder.Tensors(Name, "grads.safetensors");
                var gradients = MoeLoraFolder.Experts(adapter, parameter => parameter.grad!);
                Assert.Equal(reference.Keys.Order(), gradients.Keys.Order());
                Assert.All(reference, pair => Assert.InRange(GoldenFolder.Difference(gradients[pair.Key], pair.Value), 0, 1e-4));
            }

            if (step < (int)adamw["steps"]!)
            {
                optimizer.Step(1);
            }
        }

        using var noGrad = no_grad();
        var final = GoldenFolder.Tensors(Name, "final.safetensors");
        var weights = MoeLoraFolder.Experts(adapter);
        var differences = cat([.. final.Select(pair => (pair.Value - weights[pair.Key].cpu()).abs().flatten())]);
        Assert.InRange(differences.max().item<float>(), 0, 2e-2);
        Assert.InRange(differences.le(1e-4).to(ScalarType.Float64).mean().item<double>(), 0.999, 1);
    }

    [Fact]
    public void An_adapter_of_CoIN_is_written_back_with_the_same_names_and_values()
    {
        using var adapter = Read("adapter");
        Directory.CreateDirectory(folder.Of("out"));
        adapter.Write(folder.Of("out"), (double)meta["moelora"]!["dropout"]!, "../llama");
        using var written = new SafetensorsFile(folder.Of("out", Weights));
        var original = GoldenFolder.Tensors(Name, "adapter", Weights);
        Assert.Equal(original.Keys.Order(), written.Entries.Keys.Order());
        Assert.All(original, pair => Assert.Equal(0, GoldenFolder.Difference(pair.Value, written.Read(pair.Key))));
        var reference = GoldenFolder.Json(Name, "adapter", Config);
        var config = JObject.Parse(File.ReadAllText(folder.Of("out", Config)));
        foreach (
            var key in new[]
            {
                "r",
                "lora_alpha",
                "lora_dropout",
                "peft_type",
                "expert_num",
                "task_type",
                "bias",
                "fan_in_fan_out",
                "base_model_name_or_path",
            }
        )
        {
            Assert.Equal(reference[key]!.ToString(), config[key]!.ToString());
        }

        Assert.Equal(
            reference["target_modules"]!.Select(name => (string)name!).Order(),
            config["target_modules"]!.Select(name => (string)name!).Order()
        );
        using var again = MoeLoraFolder.Read(folder.Of("out"), language, projector);
        Assert.All(MoeLoraFolder.Experts(again), pair => Assert.Equal(0, GoldenFolder.Difference(pair.Value, original[pair.Key])));
    }

    [Fact]
    public void Archives_and_the_names_of_a_state_dict_are_read_too()
    {
        var original = GoldenFolder.Tensors(Name, "adapter", Weights);
        Copy("archive", GoldenFolder.Of(Name, "adapter", "adapter_model.bin"), "adapter_model.bin");
        Copy("state", GoldenFolder.Of(Name, "state_dict_names.safetensors"), Weights);
        foreach (var name in new[] { "archive", "state" })
        {
            using var adapter = MoeLoraFolder.Read(folder.Of(name), language, projector);
            Assert.All(MoeLoraFolder.Experts(adapter), pair => Assert.Equal(0, GoldenFolder.Difference(pair.Value, original[pair.Key])));
        }
    }

    [Fact]
    public void Two_names_of_one_matrix_that_differ_are_refused()
    {
        var doubled = GoldenFolder.Tensors(Name, "state_dict_names.safetensors").ToDictionary(pair => pair.Key, pair => pair.Value);
        var twin = doubled.Keys.First(name =>
            name.Contains(".mlp.weight", StringComparison.Ordinal) && name.Contains("loraB", StringComparison.Ordinal)
        );
        doubled[twin] = doubled[twin] + ones(1);
        Assert.Contains(twin, Refusal(doubled), StringComparison.Ordinal);
        Assert.Contains("differ", Refusal(doubled), StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_expert_one_too_many_and_a_wrong_shape_are_named()
    {
        var original = GoldenFolder.Tensors(Name, "adapter", Weights);
        var some = original.Keys.First(name => name.Contains("lora_B.loraB.0", StringComparison.Ordinal));
        Assert.Contains(some, Refusal(original.Where(pair => pair.Key != some)), StringComparison.Ordinal);

        var further = some.Replace("loraB.0", $"loraB.{meta["moelora"]!["experts"]}", StringComparison.Ordinal);
        Assert.Contains(further, Refusal(original.Append(new(further, original[some]))), StringComparison.Ordinal);

        var shaped = original.ToDictionary(pair => pair.Key, pair => pair.Value);
        shaped[some] = zeros(3, 3);
        Assert.Contains($"'{some}' has shape [3, 3]", Refusal(shaped), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("expert_num", 3, "expert_num is 3; it has to divide r")]
    [InlineData("expert_num", null, "expert_num is missing")]
    [InlineData("peft_type", "LORA", "expert_num")]
    [InlineData("r", 24, "r is 24")]
    public void A_configuration_that_is_not_that_of_the_weights_is_refused(string key, object? value, string fault)
    {
        Copy("bad", GoldenFolder.Of(Name, "adapter", Weights), Weights);
        var json = JObject.Parse(File.ReadAllText(folder.Of("bad", Config)));
        json[key] = value is null ? JValue.CreateNull() : JToken.FromObject(value);
        File.WriteAllText(folder.Of("bad", Config), json.ToString());
        var refusal = Assert.Throws<CoinException>(() => AdapterKinds.In(folder.Of("bad")).Read(folder.Of("bad"), language, projector));
        Assert.Contains(fault, refusal.Message, StringComparison.Ordinal);
    }

    private MoeLoraAdapter Read(string name) => MoeLoraFolder.Read(GoldenFolder.Of(Name, name), language, projector);

    private void Copy(string name, string weights, string file)
    {
        Directory.CreateDirectory(folder.Of(name));
        File.Copy(weights, folder.Of(name, file));
        File.Copy(GoldenFolder.Of(Name, "adapter", Config), folder.Of(name, Config));
    }

    private string Refusal(IEnumerable<KeyValuePair<string, Tensor>> tensors)
    {
        Directory.CreateDirectory(folder.Of("changed"));
        File.Copy(GoldenFolder.Of(Name, "adapter", Config), folder.Of("changed", Config), overwrite: true);
        SafetensorsWriter.Write(folder.Of("changed", Weights), tensors.ToDictionary(pair => pair.Key, pair => pair.Value));
        return Assert.Throws<CoinException>(() => MoeLoraFolder.Read(folder.Of("changed"), language, projector)).Message;
    }

    private SequenceBatch Batch()
    {
        var rows = new List<TokenSequence>();
        for (var row = 0; row < inputs["input_ids"].size(0); row++)
        {
            var length = (int)inputs["attention_mask"][row].sum().item<long>();
            int[] Of(string name) => [.. inputs[name][row].to(ScalarType.Int64).data<long>().Take(length).Select(id => (int)id)];
            rows.Add(new TokenSequence(Of("input_ids"), Of("labels")));
        }

        return SequenceBatch.Create(rows, 0, 4096, TestDevice.Device);
    }
}
