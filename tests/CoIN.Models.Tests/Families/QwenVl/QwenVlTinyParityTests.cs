using CoIN.Models.Computing;
using CoIN.Models.Families.QwenVl;
using CoIN.Models.Sequences;
using CoIN.Models.Tests.Golden;
using CoIN.Models.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Families.QwenVl;

[Trait("Category", "Parity")]
public sealed class QwenVlTinyParityTests : IDisposable
{
    private const string Name = "qwen-vl-tiny";

    private readonly QwenVlModel model = QwenVlCheckpoint.Load(GoldenFolder.Of(Name), ScalarType.Float32, TestDevice.Device, _ => { });
    private readonly IReadOnlyDictionary<string, Tensor> expected = GoldenFolder.Tensors(Name, "expected.safetensors");
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
    public void The_picture_s_way_to_the_language_model_agrees_with_the_reference(bool kernels)
    {
        var backend = TrainingWays.Backend(kernels);
        var states = Reference.HiddenStates(model.Vision, expected["pixels"].There(), kernels);
        AssertClose(expected["visual.ln_pre"], states[0], 1e-4);
        AssertClose(expected["visual.transformer"], states[^1], 1e-4);
        var output = backend.Resample(model.Resampler, backend.Vision(model.Vision, expected["pixels"].There()));
        AssertClose(expected["visual.output_image0"], output.narrow(0, 0, 1), 1e-4);
        AssertClose(expected["visual.output_every_8th_query"], EveryEighth(output), 1e-4);
        AssertClose(expected["visual.attn_pool_every_8th_query"], EveryEighth(model.Resampler.Attend(states[^1])), 1e-4);
    }

    [Fact]
    public void A_picture_s_features_are_the_same_bits_in_any_company()
    {
        Assert.SkipUnless(TestDevice.IsCpu, "libtorch promises it on no other device.");
        var together = model.Features(expected["pixels"].There());
        for (var i = 0; i < together.size(0); i++)
        {
            Assert.Equal(0, GoldenFolder.Difference(together.narrow(0, i, 1), model.Features(expected["pixels"].narrow(0, i, 1).There())));
        }
    }

    [Fact]
    public void Embeddings_hidden_states_logits_and_loss_agree_with_the_reference()
    {
        using var batch = Batch(out var lengths);
        var features = model.Features(expected["pixels"].There());
        var embedded = model.Embed(batch, features);
        var hidden = model.Language.Forward(embedded, batch.Sequences);
        var at = Ids(expected["train.logit_positions"]);
        var from = 0;
        for (var row = 0; row < lengths.Count; row++)
        {
            // Padding is not computed here.
            var rows = at.Select((position, i) => (position, i)).Where(one => one.position < lengths[row]).ToList();
            var mine = tensor(rows.Select(one => (long)from + one.position).ToArray(), device: TestDevice.Device);
            Tensor Theirs(string name) => expected[name][row].index_select(0, tensor(rows.Select(one => (long)one.i).ToArray()));
            AssertClose(Theirs("train.hidden_after_image_splice"), embedded.index_select(0, mine), 1e-4);
            AssertClose(Theirs("train.hidden_final"), model.Language.Normalize(hidden.index_select(0, mine)), 1e-4);
            AssertClose(Theirs("train.logits"), model.Language.Logits(hidden.index_select(0, mine)), 5e-4);
            from += lengths[row];
        }

        Assert.InRange(Reference.Loss(model, batch, features).item<float>() - expected["train.loss"].item<float>(), -1e-4, 1e-4);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_greedy_answer_about_a_picture_agrees_with_the_reference(bool kernels)
    {
        var prompt = PictureIds.Contract(Ids(expected["greedy.input_ids"]));
        var tokens = Ids(expected["greedy.tokens"]);
        var request = new GenerationRequest([prompt, prompt], model.Features(expected["pixels"].narrow(0, 0, 1).There()), tokens.Count)
        {
            Pictures = [0, 0],
        };
        Assert.All(DecodingWays.Generate(model, request, kernels), answer => Assert.Equal(tokens, answer));
    }

    [Fact]
    public void Every_weight_goes_by_its_name_in_the_file()
    {
        var file = GoldenFolder.Tensors(Name, "model.safetensors");
        var named = model
            .Language.Named(QwenVlCheckpoint.Language, QwenVlCheckpoint.Head)
            .Concat(model.Vision.Named(QwenVlCheckpoint.Visual))
            .Concat(model.Resampler.Named(QwenVlCheckpoint.Visual))
            .ToDictionary(pair => pair.Name, pair => pair.Tensor);
        Assert.Equal(file.Keys.Order(), named.Keys.Order());

        // The tower's places were stretched to its patches.
        Assert.All(file.Where(pair => !pair.Key.EndsWith("positional_embedding", StringComparison.Ordinal)), pair =>
            Assert.Equal(0, GoldenFolder.Difference(pair.Value.to(ScalarType.Float32), named[pair.Key]))
        );
    }

    [Fact]
    public void The_shape_counts_the_parameters_of_the_files()
    {
        var parts = model.Vision.Parameters().Concat(model.Resampler.Parameters()).Append(model.Resampler.Positions);
        Assert.Equal(parts.Sum(tensor => tensor.numel()), model.Config.Shape.VisionParameters);
    }

    private static void AssertClose(Tensor reference, Tensor found, double tolerance)
    {
        Assert.Equal(reference.shape, found.shape);
        Assert.True(
            found.cpu().sub(reference).abs().le(reference.abs().mul(1e-4).add(tolerance)).all().item<bool>(),
            $"differs by {GoldenFolder.Difference(reference, found)}"
        );
    }

    private static Tensor EveryEighth(Tensor x) => x.index_select(1, arange(0, x.size(1), 8, device: x.device));

    private static List<int> Ids(Tensor ids) => [.. ids.flatten().data<long>().Select(id => (int)id)];

    private SequenceBatch Batch(out List<int> lengths)
    {
        var (ids, labels, mask) = (expected["train.input_ids"], expected["train.labels"], expected["train.attention_mask"]);
        var rows = Enumerable
            .Range(0, (int)ids.size(0))
            .Select(row =>
            {
                var real = (int)mask[row].sum().item<long>();
                return PictureIds.Contract([.. Ids(ids[row]).Take(real)], [.. Ids(labels[row]).Take(real)]);
            })
            .ToList();
        lengths = [.. Enumerable.Range(0, rows.Count).Select(row => (int)mask[row].sum().item<long>())];
        return SequenceBatch.Create(rows, model.ImageTokens, 4096, TestDevice.Device);
    }
}
