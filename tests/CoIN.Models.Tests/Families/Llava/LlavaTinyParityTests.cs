using CoIN.Models.Computing;
using CoIN.Models.Families.Llava;
using CoIN.Models.Libtorch;
using CoIN.Models.Sequences;
using CoIN.Models.Tests.Golden;
using CoIN.Models.Tests.Support;
using Newtonsoft.Json.Linq;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Families.Llava;

[Trait("Category", "Parity")]
public sealed class LlavaTinyParityTests : IDisposable
{
    private readonly LlavaModel model = LlavaCheckpoint.Load(
        GoldenFolder.Of("llava-tiny", "hub"),
        ScalarType.Float32,
        TestDevice.Device,
        _ => { }
    );
    private readonly JObject meta = GoldenFolder.Json("llava-tiny", "meta.json");
    private readonly IReadOnlyDictionary<string, Tensor> inputs = GoldenFolder.Tensors("llava-tiny", "inputs.safetensors");
    private readonly IReadOnlyDictionary<string, Tensor> expected = GoldenFolder.Tensors("llava-tiny", "expected.safetensors");
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly IDisposable noGrad = no_grad();

    public void Dispose()
    {
        noGrad.Dispose();
        scope.Dispose();
        model.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Every_clip_hidden_state_agrees_with_the_reference(bool kernels)
    {
        var states = Reference.HiddenStates(model.Vision, inputs["pixel_values"].narrow(0, 0, 1).There(), kernels);
        var debug = GoldenFolder.Tensors("llava-tiny", "vision_debug.safetensors");
        for (var i = 0; i < states.Count; i++)
        {
            Assert.InRange(GoldenFolder.Difference(states[i], debug[$"hidden_states.{i}"]), 0, 5e-5);
        }
    }

    [Fact]
    public void Features_and_projector_agree_with_the_reference()
    {
        foreach (var backend in new[] { model.Backend, new LibtorchBackend() })
        {
            var features = backend.Vision(model.Vision, inputs["pixel_values"].There());
            Assert.InRange(GoldenFolder.Difference(features, expected["clip_features"]), 0, 5e-5);
            Assert.InRange(
                GoldenFolder.Difference(backend.Project(model.Projector, features, ScalarType.Float32), expected["projector_output"]),
                0,
                5e-5
            );
        }
    }

    [Fact]
    public void Embeddings_hidden_states_and_logits_agree_with_the_reference()
    {
        using var batch = Batch();
        var embedded = model.Embed(batch, model.Features(inputs["pixel_values"].There()));
        Assert.InRange(GoldenFolder.Difference(embedded, Real(expected["inputs_embeds"])), 0, 5e-5);
        var afterLayer = Reference.LayerOutputs(model.Language, embedded, batch.Sequences);
        var hidden = model.Language.Forward(embedded, batch.Sequences);
        for (var i = 0; i < expected["hidden_after_layer"].size(0); i++)
        {
            Assert.InRange(GoldenFolder.Difference(afterLayer[i], Real(expected["hidden_after_layer"].select(0, i))), 0, 2e-4);
        }

        Assert.InRange(GoldenFolder.Difference(model.Language.Normalize(hidden), Real(expected["last_hidden_state"])), 0, 2e-4);
        Assert.InRange(GoldenFolder.Difference(model.Language.Logits(hidden), Real(expected["logits"])), 0, 2e-4);
    }

    [Fact]
    public void The_loss_of_the_batch_and_of_every_sample_agrees_with_the_reference()
    {
        using var batch = Batch();
        var features = model.Features(inputs["pixel_values"].There());
        Assert.InRange(Reference.Loss(model, batch, features).item<float>() - expected["loss"].item<float>(), -2e-5, 2e-5);
        Assert.Equal((long)meta["n_label_tokens"]!, batch.Targets.numel());
        var picture = 0;
        foreach (var (sequence, loss) in Sequences().Zip(meta["sample_loss"]!.Select(value => (double)value)))
        {
            using var one = SequenceBatch.Create([sequence], model.Config.ImageTokens, 4096, TestDevice.Device);
            var own = one.Pictures == 0 ? null : features.narrow(0, picture, one.Pictures);
            picture += one.Pictures;
            Assert.InRange(Reference.Loss(model, one, own).item<float>() - loss, -2e-5, 2e-5);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Greedy_answers_of_unequal_prompts_in_one_batch_agree_with_the_reference(bool kernels) =>
        Generates([.. meta["generate"]!], kernels);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Greedy_answers_one_by_one_agree_with_the_reference(bool kernels)
    {
        foreach (var one in meta["generate"]!)
        {
            Generates([one], kernels);
        }
    }

    private void Generates(IReadOnlyList<JToken> cases, bool kernels)
    {
        var logits = GoldenFolder.Tensors("llava-tiny", "generate.safetensors");
        var prompts = cases.Select(one => new TokenSequence(Ints(one["prompt_ids_placeholder"]!), null)).ToList();
        var images = cases
            .Select(one => meta["samples"]![(int)one["sample"]!]!["image_index"])
            .Where(index => index is not null && index.Type != JTokenType.Null)
            .Select(index => (long)index!)
            .ToArray();
        var features = images.Length == 0 ? null : model.Features(inputs["pixel_values"].index_select(0, tensor(images)).There());
        var longest = cases.Max(one => one["new_ids"]!.Count());
        var steps = new int[cases.Count];
        var request = new GenerationRequest(prompts, features, longest)
        {
            Logits = (scores, rows) =>
            {
                for (var i = 0; i < rows.Count; i++)
                {
                    var reference = logits[$"logits.{(int)cases[rows[i]]["sample"]!}"];
                    Assert.InRange(GoldenFolder.Difference(scores[i], reference[steps[rows[i]]++]), 0, 2e-4);
                }
            },
        };
        var answers = DecodingWays.Generate(model, request, kernels);
        Assert.Equal(cases.Select(one => Ints(one["new_ids"]!)), answers);
    }

    private static List<int> Ints(JToken token) => [.. token.Select(id => (int)id)];

    private IEnumerable<TokenSequence> Sequences() =>
        meta["samples"]!.Select(sample => new TokenSequence(Ints(sample["ids"]!), Ints(sample["labels"]!)));

    private SequenceBatch Batch() => SequenceBatch.Create([.. Sequences()], model.Config.ImageTokens, 4096, TestDevice.Device);

    /// <summary>The rows of real positions of a padded tensor, end to end.</summary>
    private Tensor Real(Tensor padded) => padded[inputs["attention_mask"].to(ScalarType.Bool)];
}
