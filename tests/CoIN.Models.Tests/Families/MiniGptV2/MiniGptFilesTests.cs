using CoIN.Benchmark;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Models.Adapters;
using CoIN.Models.Adapters.Lora;
using CoIN.Models.Adapters.Peft;
using CoIN.Models.Checkpoints;
using CoIN.Models.Families;
using CoIN.Models.Families.MiniGptV2;
using CoIN.Models.Inspection;
using CoIN.Models.Learning;
using CoIN.Models.Modules;
using CoIN.Models.Settings;
using CoIN.Models.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Families.MiniGptV2;

/// <summary>Files as people have them, and what is wrong with them.</summary>
public sealed class MiniGptFilesTests : IDisposable
{
    // EVA's own file says nothing of its heads, which have 88 numbers, nor of the size of pictures, which is 448.
    private static readonly MiniGptConfig Real = new(
        new VisionConfig(88, 32, 1, 1, EvaSettings.ImageSize, 56, "gelu", 1e-6) { PatchBias = true, InputNorm = false },
        TinyMiniGpt.Config.Text
    );

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private ModelOptions Whole => new() { Path = folder.Of("whole"), MaxLength = 64 };

    private ModelOptions Parts =>
        new()
        {
            Language = folder.Of("parts", "llama"),
            VisionTower = folder.Of("parts", "eva_vit_g.safetensors"),
            Projector = folder.Of("parts", "stage.safetensors"),
            MaxLength = 64,
        };

    [Fact]
    public void Parts_and_the_whole_folder_are_the_same_model()
    {
        WriteParts();
        foreach (var model in new[] { Whole, Parts })
        {
            Assert.IsType<MiniGptFamily>(ModelFamilies.Of(model));
            Assert.Equal("", Faults(model));
        }

        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var whole = Load(Whole);
        using var parts = Load(Parts);
        Assert.Equal(MiniGptCheckpoint.Named(whole).Select(pair => pair.Name), MiniGptCheckpoint.Named(parts).Select(pair => pair.Name));
        Assert.All(MiniGptCheckpoint.Named(whole).Zip(MiniGptCheckpoint.Named(parts)), pair =>
            Assert.True(pair.First.Tensor.equal(pair.Second.Tensor).all().item<bool>())
        );
        Assert.Equal(
            (whole.Config.ImageTokens, whole.Config.Shape.VisionParameters),
            (parts.Config.ImageTokens, parts.Vision.Parameters().Concat([parts.Norm.Weight, parts.Norm.Bias]).Sum(tensor => tensor.numel()))
        );
    }

    [Fact]
    public void A_stages_LoRA_is_what_a_run_begins_with_and_a_norm_that_nobody_has_is_told()
    {
        WriteParts(lora: 4);
        var family = ModelFamilies.Of(Parts);
        Assert.Equal(Parts.Projector, family.AdapterWithin(Parts));
        Assert.Null(family.AdapterWithin(Whole));
        var warnings = new List<string>();
        Assert.Equal("", Faults(Parts, new() { Rank = 4, Alpha = 8 }, warnings.Add));
        Assert.Contains(warnings, sentence => sentence.Contains("ln_vision", StringComparison.Ordinal));
        Assert.Contains("lora.rank is 8", Faults(Parts, new() { Rank = 8, Alpha = 8 }), StringComparison.Ordinal);
        using var model = Load(Parts);
        using var adapter = (LoraAdapter)
            AdapterKinds.Lora.ReadToTrain(Parts.Projector!, model.Language, model.Projector, new() { Rank = 4, Alpha = 8 }, seed: 1);
        Assert.Equal((4, 8), (adapter.Rank, adapter.Alpha));
        Assert.Contains(ModelInspection.Describe(Parts), line =>
            line.Contains("holds one of rank 4 for 1 linear map", StringComparison.Ordinal)
        );
    }

    [Fact]
    public void A_run_is_told_that_it_begins_with_the_stages_LoRA()
    {
        WriteParts(lora: 4);
        var warnings = new List<string>();
        using var factory = new LearnerFactory(warnings.Add);
        var options = Options(Parts, new() { Rank = 8, Alpha = 8 });
        using var learner = factory.Open(options, "cpu", 1);
        Assert.Contains(warnings, sentence => sentence.Contains("the first stage begins with it", StringComparison.Ordinal));

        // It is what training begins with: another rank is a fault.
        var samples = new[] { new TrainingSample("1", null, [new Turn("human", "a"), new Turn("gpt", "b")]) };
        var fault = Assert.Throws<CoinException>(() => learner.OpenTraining(new(1, "GQA", 1, samples, null, null)));
        Assert.Contains("has rank 4", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_merged_model_answers_as_model_and_adapter()
    {
        WriteParts(lora: 4);
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var model = Load(Parts);
        Directory.CreateDirectory(folder.Of("adapter"));
        using (var adapter = PeftFolder.Read(Parts.Projector!, model.Language, model.Projector, alpha: 8))
        {
            adapter.Projector!.Parameters[1].add_(ones(1));
            PeftFolder.Write(folder.Of("adapter"), adapter, 0, "base");
        }

        ModelMerge.Write(folder.Of("adapter"), Parts, folder.Of("merged"), null, _ => { });
        using var merged = Load(new ModelOptions { Path = folder.Of("merged"), MaxLength = 64 });
        using var read = PeftFolder.Read(folder.Of("adapter"), model.Language, model.Projector);
        using var expected = (MiniGptModel)model.Merged(read);
        Assert.All(MiniGptCheckpoint.Named(expected).Zip(MiniGptCheckpoint.Named(merged)), pair =>
        {
            Assert.Equal(pair.First.Name, pair.Second.Name);
            Assert.InRange((pair.First.Tensor - pair.Second.Tensor).abs().max().item<float>(), 0, 1e-6);
        });
    }

    public static TheoryData<string, string> Damages =>
        new()
        {
            { "no tower", "model.vision-tower is not set" },
            { "tower is a folder", "is a folder. MiniGPT-v2's part is a file" },
            { "tower of CLIP", "is not EVA-CLIP-g as MiniGPT-v2 has it" },
            { "no checkpoint", "model.projector: there is no file" },
            { "another stage", "tensor(s) of the model are missing: llama_proj." },
            { "projector of another size", "has shape [32, 352] where config.json asks for [32, 348]" },
            { "tokenizer of another length", "pieces but the model's vocabulary has" },
            { "no tokenizer", "tokenizer.model" },
            { "whole with a tower", "holds a vision tower of its own" },
        };

    [Theory]
    [MemberData(nameof(Damages))]
    public void What_does_not_fit_is_refused_by_name_before_anything_is_loaded(string damage, string message)
    {
        WriteParts();
        var model = Parts;
        switch (damage)
        {
            case "no tower":
                model = model with { VisionTower = null, Projector = folder.Of("parts", "stage.pth") };
                break;
            case "tower is a folder":
                model = model with { VisionTower = folder.Of("parts", "llama"), Projector = folder.Of("parts", "stage.pth") };
                break;
            case "tower of CLIP":
                TinyLlava.WriteHub(folder.Of("clip"));
                model = model with { VisionTower = folder.Of("clip", "model.safetensors") };
                break;
            case "no checkpoint":
                model = model with { Projector = folder.Of("parts", "none.pth") };
                break;
            case "another stage":
                Write("stage.safetensors", [("mm_projector.0.weight", zeros(2, 2))]);
                break;
            case "projector of another size":
                message = "'llama_proj.weight' has shape [32, 8]";
                Write("stage.safetensors", [("llama_proj.weight", zeros(32, 8)), ("llama_proj.bias", zeros(32))]);
                break;
            case "tokenizer of another length":
                var path = Path.Combine(model.Language!, "config.json");
                File.WriteAllText(
                    path,
                    File.ReadAllText(path)
                        .Replace($"\"vocab_size\": {TinyLlava.Vocabulary}", "\"vocab_size\": 9000", StringComparison.Ordinal)
                );
                break;
            case "no tokenizer":
                File.Delete(Path.Combine(model.Language!, "tokenizer.model"));
                break;
            default:
                model = Whole with { VisionTower = folder.Of("parts", "eva_vit_g.safetensors") };
                break;
        }

        Assert.Contains(message, Faults(model), StringComparison.Ordinal);
    }

    [Fact]
    public void A_whole_models_configuration_is_read_to_the_last_key()
    {
        WriteParts();
        var path = folder.Of("whole", "config.json");
        var config = File.ReadAllText(path);
        File.WriteAllText(
            path,
            config.Replace("\"vision_norm_eps\"", "\"use_rel_pos_bias\": true, \"vision_norm_eps\"", StringComparison.Ordinal)
        );
        Assert.Contains("use_rel_pos_bias", Faults(Whole), StringComparison.Ordinal);
        File.WriteAllText(path, config.Replace("\"vision_tokens_joined\": 4", "\"vision_tokens_joined\": 7", StringComparison.Ordinal));
        Assert.Contains("vision_tokens_joined", Faults(Whole), StringComparison.Ordinal);
    }

    [Fact]
    public void Grounding_learns_the_unpadded_box_and_remarks_where_there_is_none()
    {
        TinyMiniGpt.Write(folder.Of("tiny"));
        var prompts = TinyMiniGpt.Prompts(folder.Of("tiny"));
        var sample = new TrainingSample("1", "a.png", [new Turn("human", "<image>\nWhere?"), new Turn("gpt", "[0.1, 0.2, 0.3, 0.4]")]);
        Assert.Contains("origin_answer_bbox", prompts.Remark(sample), StringComparison.Ordinal);
        var unpadded = sample with { UnpaddedBox = "[0.5, 0.6, 0.7, 0.8]" };
        Assert.Null(prompts.Remark(unpadded));
        Assert.EndsWith("[/INST][0.5, 0.6, 0.7, 0.8]</s>", prompts.TrainingPrompt(unpadded), StringComparison.Ordinal);
        Assert.Null(prompts.Remark(sample with { Conversations = [sample.Conversations[0], new Turn("gpt", "red")] }));
    }

    private static MiniGptModel Load(ModelOptions options) =>
        MiniGptCheckpoint.Load(MiniGptSource.Of(options), ScalarType.Float32, CPU, _ => { });

    private static ExperimentOptions Options(ModelOptions model, LoraOptions? lora) =>
        new()
        {
            Name = "test",
            Tasks =
            [
                new TaskOptions
                {
                    Name = "GQA",
                    Folder = "GQA",
                    Scorer = "gqa",
                },
            ],
            Data = new() { Instructions = "", Images = "" },
            Model = model,
            Lora = lora ?? new(),
        };

    private static string Faults(ModelOptions model, LoraOptions? lora = null, Action<string>? warn = null)
    {
        var problems = new Problems();
        ModelCheck.Check(Options(model, lora), [], problems, warn ?? (_ => { }));
        try
        {
            problems.ThrowIfAny("model");
            return "";
        }
        catch (CoinException e)
        {
            return e.Message;
        }
    }

    /// <summary>Writes the whole model's folder and the same as parts.</summary>
    /// <param name="lora">Rank of a LoRA in the stage's file, which then has no norm; 0 for none.</param>
    private void WriteParts(int lora = 0)
    {
        using var scope = NewDisposeScope();
        Directory.CreateDirectory(folder.Of("whole"));
        MiniGptInitializer.Write(folder.Of("whole"), Real, 5);
        Directory.CreateDirectory(folder.Of("parts", "llama"));
        foreach (var place in new[] { folder.Of("whole"), folder.Of("parts", "llama") })
        {
            TinyLlava.WriteSettings(place, place);
            File.Delete(Path.Combine(place, "preprocessor_config.json"));
        }

        var json = SettingsFile.Json(folder.Of("whole", "config.json"));
        File.WriteAllText(folder.Of("parts", "llama", "config.json"), json["text_config"]!.ToString());
        using var whole = CheckpointFolder.Open(folder.Of("whole"));
        IEnumerable<(string, Tensor)> Of(string prefix, string by) =>
            whole
                .Names.Where(name => name.StartsWith(prefix, StringComparison.Ordinal))
                .Select(name => (by + name[prefix.Length..], whole.Read(name)))
                .ToList();
        Write(Path.Combine("llama", "model.safetensors"), Of("llama_model.", ""));

        // EVA's own last norm, which nothing needs.
        Write("eva_vit_g.safetensors", Of("visual_encoder.", "").Append(("norm.weight", ones(88))));
        const string Layer = "llama_model.base_model.model.model.layers.0.self_attn.q_proj.";
        Write(
            "stage.safetensors",
            lora == 0
                ? [.. Of("llama_proj.", "llama_proj."), .. Of("ln_vision.", "ln_vision.")]
                :
                [
                    .. Of("llama_proj.", "llama_proj."),
                    ($"{Layer}lora_A.weight", randn(lora, 32)),
                    ($"{Layer}lora_B.weight", randn(32, lora)),
                ]
        );
    }

    private void Write(string name, IEnumerable<(string Name, Tensor Tensor)> tensors) =>
        SafetensorsWriter.Write(folder.Of("parts", name), tensors.ToDictionary(pair => pair.Name, pair => pair.Tensor));
}
