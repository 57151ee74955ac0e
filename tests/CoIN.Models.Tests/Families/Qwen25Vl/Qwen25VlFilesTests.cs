using CoIN.Benchmark;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Models.Adapters.Peft;
using CoIN.Models.Families;
using CoIN.Models.Families.Qwen25Vl;
using CoIN.Models.Learning;
using CoIN.Models.Planning;
using CoIN.Models.Tests.Golden;
using CoIN.Models.Tests.Support;
using Newtonsoft.Json.Linq;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Families.Qwen25Vl;

public sealed class Qwen25VlFilesTests : IDisposable
{
    private const string Name = "qwen2.5-vl-tiny";

    private readonly TemporaryFolder folder = new();
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly Qwen25VlFamily family = new();

    public Qwen25VlFilesTests()
    {
        foreach (var file in Directory.EnumerateFiles(GoldenFolder.Of(Name, "model")))
        {
            File.Copy(file, Path.Combine(folder.Path, Path.GetFileName(file)));
        }
    }

    private ModelOptions Options => new() { Path = folder.Path, MaxLength = 512 };

    public void Dispose()
    {
        scope.Dispose();
        folder.Dispose();
    }

    [Fact]
    public void It_is_recognised_checked_and_described()
    {
        Assert.IsType<Qwen25VlFamily>(ModelFamilies.Of(Options));
        var problems = new Problems();
        using var model = family.Check(Options, problems, _ => { });
        problems.ThrowIfAny("");
        Assert.NotNull(model);
        var lines = family.Inspect(Options);
        Assert.Contains("Qwen2.5-VL", lines[0], StringComparison.Ordinal);
        Assert.Contains(lines, line => line.Contains("28 × 28 pixels to an image token", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("config.json", "image_token_id", 470, "model stands for pictures by 470")]
    [InlineData("config.json", "vocab_size", 400, "vocabulary has 400")]
    [InlineData("config.json", "some_new_switch", true, "some_new_switch")]
    [InlineData("config.json", "use_sliding_window", true, "use_sliding_window")]
    [InlineData("config.json", "vision_config.window_size", 14, "window_size is 14")]
    [InlineData("config.json", "vision_config.out_hidden_size", 32, "out_hidden_size is 32; supported is the language model's size, 64")]
    [InlineData("config.json", "rope_scaling.mrope_section", null, "mrope_section is missing")]
    [InlineData("config.json", "vision_config.hidden_act", "gelu", "hidden_act is gelu")]
    [InlineData("preprocessor_config.json", "patch_size", 16, "patch_size is 16; supported is 14")]
    [InlineData("preprocessor_config.json", "max_pixels", 100, "max_pixels is 100")]
    [InlineData("preprocessor_config.json", "do_resize", false, "do_resize")]
    public void What_does_not_fit_is_refused_by_name(string file, string key, object? value, string message)
    {
        var path = Path.Combine(folder.Path, file);
        var json = JObject.Parse(File.ReadAllText(path));
        var keys = key.Split('.');
        var parent = keys.Length == 1 ? json : (JObject)json[keys[0]]!;
        parent.Remove(keys[^1]);
        if (value is not null)
        {
            parent[keys[^1]] = JToken.FromObject(value);
        }

        File.WriteAllText(path, json.ToString());
        var problems = new Problems();
        family.Check(Options, problems, _ => { })?.Dispose();
        var fault = Assert.Throws<CoinException>(() => problems.ThrowIfAny(folder.Path));
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("preprocessor_config.json", "preprocessor_config.json")]
    [InlineData("model.safetensors", "model.safetensors")]
    [InlineData("vocab.json tokenizer.json", "tokenizer")]
    public void A_missing_part_is_named(string files, string message)
    {
        foreach (var file in files.Split(' '))
        {
            File.Delete(Path.Combine(folder.Path, file));
        }

        var problems = new Problems();
        family.Check(Options, problems, _ => { })?.Dispose();
        Assert.Contains(message, Assert.Throws<CoinException>(() => problems.ThrowIfAny("")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_limit_of_pixels_that_leaves_no_position_is_refused_and_one_beyond_the_sequence_is_told()
    {
        var problems = new Problems();
        family.Check(Options with { MaxPixels = 100 }, problems, _ => { })?.Dispose();
        Assert.Contains(
            "model.max-pixels is 100",
            Assert.Throws<CoinException>(() => problems.ThrowIfAny("")).Message,
            StringComparison.Ordinal
        );
        var warnings = new List<string>();
        family.Check(Options with { MaxLength = 30 }, new Problems(), warnings.Add)?.Dispose();
        Assert.Contains(warnings, sentence => sentence.Contains("model.max-pixels=11760", StringComparison.Ordinal));
    }

    [Fact]
    public void The_7B_s_shape_counts_its_parameters()
    {
        var json = JObject.Parse(File.ReadAllText(Path.Combine(folder.Path, "config.json")));
        json.Merge(
            JObject.Parse(
                """
                { "hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28, "num_attention_heads": 28, "num_key_value_heads": 4, "vocab_size": 152064,
                  "image_token_id": 151655, "rope_scaling": { "mrope_section": [16, 24, 24] },
                  "vision_config": { "depth": 32, "hidden_size": 1280, "intermediate_size": 3420, "num_heads": 16, "out_hidden_size": 3584, "window_size": 112,
                    "fullatt_block_indexes": [7, 15, 23, 31] } }
                """
            ),
            new JsonMergeSettings { MergeArrayHandling = MergeArrayHandling.Replace }
        );
        File.WriteAllText(Path.Combine(folder.Path, "config.json"), json.ToString());
        File.Delete(Path.Combine(folder.Path, "model.safetensors"));
        File.Delete(Path.Combine(folder.Path, "preprocessor_config.json"));
        var shape = family.Shape(Options with { MaxLength = 2048, MaxPixels = 501760 });
        Assert.Equal(640, shape.ImageTokens);

        // As transformers counts its Qwen2_5_VLForConditionalGeneration of these sizes.
        Assert.Equal(676_550_144, shape.VisionParameters);
        Assert.Equal(8_292_166_656, ParameterCounts.Of(shape, 1).Base);
    }

    [Fact]
    public void A_sample_s_own_marks_of_pictures_and_turns_out_of_order_are_refused_by_its_id()
    {
        var prompts = family.Read(Options).Prompts(Options);
        var marked = new TrainingSample("s7", null, [new("human", "a <|image_pad|> b"), new("gpt", "c")]);
        Assert.Contains("Sample s7", Assert.Throws<CoinException>(() => prompts.Training(marked)).Message, StringComparison.Ordinal);
        var twice = new TrainingSample("s8", null, [new("human", "a"), new("human", "b")]);
        Assert.Contains("Sample s8: turn 2", Assert.Throws<CoinException>(() => prompts.Training(twice)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Samples_are_shown_with_the_positions_of_their_pictures()
    {
        var renderer = SampleRenderer.Open(Options, GoldenFolder.Of(Name));
        var view = renderer.Render(new TestSample("q", "image0.png", "What?", "x"));
        Assert.Equal(15, view.ImageTokens);
        Assert.Equal(view.Tokens.Count + 14, view.Length);
        var picture = renderer.SavePicture("image2.png", Path.Combine(folder.Path, "seen.png"));
        Assert.Equal((333, 250, 196, 140), (picture.Width, picture.Height, picture.SeenWidth, picture.SeenHeight));
        var missing = Assert.Throws<CoinException>(() => renderer.Render(new TestSample("q9", "none.png", "What?", "x")));
        Assert.Contains("Sample q9", missing.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_merged_model_gives_the_logits_of_its_adapter()
    {
        using var noGrad = no_grad();
        var output = Path.Combine(folder.Path, "merged");
        family.Merge(GoldenFolder.Of(Name, "adapter"), Options, output, null, _ => { });
        using var plain = family.Load(Options, ScalarType.Float32, CPU, _ => { }).Model;
        using var merged = family.Load(Options with { Path = output }, ScalarType.Float32, CPU, _ => { }).Model;
        using var adapter = PeftFolder.Read(GoldenFolder.Of(Name, "adapter"), plain.Language, plain.Projector);
        using var batch = CoIN.Models.Sequences.SequenceBatch.Create([new([1, 2, 3, 4, 5], null)], 0, 100, CPU);
        var expected = plain.Language.Logits(plain.Language.Forward(plain.Embed(batch, null), batch.Sequences, adapter.Updates()));
        var found = merged.Language.Logits(merged.Language.Forward(merged.Embed(batch, null), batch.Sequences));
        Assert.InRange(GoldenFolder.Difference(expected, found), 0, 1e-4);
        Assert.True(File.Exists(Path.Combine(output, "tokenizer.json")) && File.Exists(Path.Combine(output, "preprocessor_config.json")));
    }
}
