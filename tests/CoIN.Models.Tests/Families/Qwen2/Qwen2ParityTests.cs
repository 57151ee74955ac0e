using CoIN.Models.Backends;
using CoIN.Models.Checkpoints;
using CoIN.Models.Computing;
using CoIN.Models.Families.Qwen2;
using CoIN.Models.Generation;
using CoIN.Models.Modules;
using CoIN.Models.Sequences;
using CoIN.Models.Tests.Golden;
using CoIN.Models.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Families.Qwen2;

[Trait("Category", "Parity")]
public sealed class Qwen2ParityTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly IDisposable noGrad = no_grad();
    private DecoderModel model = null!;
    private IReadOnlyDictionary<string, Tensor> expected = null!;

    public void Dispose()
    {
        model.Dispose();
        noGrad.Dispose();
        scope.Dispose();
    }

    [Theory]
    [InlineData("untied")]
    [InlineData("tied")]
    public void Hidden_states_and_logits_agree_with_the_reference(string kind)
    {
        Load(kind);
        using var batch = Batch([Longs(expected["single.input_ids"][0])]);
        var embedded = model.Embed(batch.TextIds);
        Close(expected["single.hidden_states.0"][0], embedded);
        var states = Reference.LayerOutputs(model, embedded, batch.Sequences);
        for (var layer = 0; layer < states.Count; layer++)
        {
            Close(
                expected[$"single.hidden_states.{layer + 1}"][0],
                layer == states.Count - 1 ? model.Normalize(states[layer]) : states[layer]
            );
        }

        Close(expected["single.logits"][0], model.Logits(states[^1]));
    }

    /// <summary>
    /// The reference's loss of the batch that is padded on the left is no aim: it predicts the first token of a prompt from the padding
    /// before it.
    /// </summary>
    [Theory]
    [InlineData("untied")]
    [InlineData("tied")]
    public void Logits_and_loss_of_a_batch_agree_with_the_reference_that_pads_on_the_right(string kind)
    {
        Load(kind);
        var rows = Rows("right");
        using var batch = Batch(rows, [.. rows.Select((_, row) => Longs(expected["right.labels"][row][Mask("right", row)]))]);
        var logits = Logits(batch);
        Close(expected["right.logits"][expected["right.attention_mask"].to(ScalarType.Bool)], logits);
        var loss = nn.functional.cross_entropy(logits.index_select(0, batch.LabelledRows), batch.Targets);
        Assert.InRange(Math.Abs(loss.item<float>() - expected["right.loss"].item<float>()), 0, 1e-5);
    }

    [Theory]
    [InlineData("untied")]
    [InlineData("tied")]
    public void Logits_of_a_batch_agree_with_the_reference_that_pads_on_the_left(string kind)
    {
        Load(kind);
        var rows = Rows("left");
        using var batch = Batch(rows);
        var logits = Logits(batch);
        var last = expected["left.logits_last3"].size(1);
        for (int row = 0, end = 0; row < rows.Count; row++)
        {
            end += rows[row].Length;
            Close(expected["left.logits_last3"][row], logits.narrow(0, end - last, last));
        }
    }

    [Theory]
    [InlineData("untied")]
    [InlineData("tied")]
    public void Greedy_continuations_agree_with_the_reference_with_and_without_an_end(string kind)
    {
        Load(kind);
        var free = Continuations("greedy.no_eos");
        Assert.Equal(free, Generate(free[0].Length, null, []));
        var end = (int)expected["greedy.eos_id"].item<long>();
        var ended = Continuations("greedy.with_eos").Select(row => row.TakeWhile(id => id != end).ToArray()).ToList();
        Assert.Contains(ended, row => row.Length < free[0].Length);
        Assert.Equal(ended, Generate(free[0].Length, null, [end]));
    }

    [Theory]
    [InlineData("untied")]
    [InlineData("tied")]
    public void The_repetition_penalty_agrees_with_the_reference(string kind)
    {
        Load(kind);
        var penalized = Continuations("greedy.repetition_penalty_1.05");
        var sampler = new TokenSampler(new SamplingOptions(0, 1, 1.05, 0), PaddedRows());
        Assert.Equal(penalized, Generate(penalized[0].Length, sampler.Choose, []));
    }

    [Theory]
    [InlineData("untied")]
    [InlineData("tied")]
    public void The_distribution_that_is_sampled_from_agrees_with_the_reference(string kind)
    {
        Load(kind);
        var sampler = new TokenSampler(new SamplingOptions(0.7, 0.8, 1.05, 0), PaddedRows());
        var scores = expected["sampling.logits"].clone().There();
        sampler.Penalize(scores, [.. Enumerable.Range(0, (int)scores.size(0))]);
        Close(expected["sampling.after_repetition_penalty"], scores);
        Assert.InRange(GoldenFolder.Difference(expected["sampling.probs_after_top_p"], sampler.Probabilities(scores)), 0, 1e-5);
    }

    [Theory]
    [InlineData("untied")]
    [InlineData("tied")]
    public void The_weights_keep_their_names_biases_among_them(string kind)
    {
        Load(kind);
        using var file = CheckpointFolder.Open(GoldenFolder.Of("qwen2-tiny", kind));
        var named = model.Named("model.", "lm_head.weight").ToDictionary(pair => pair.Name, pair => pair.Tensor);
        Assert.Equal(file.Names.Order(StringComparer.Ordinal), named.Keys.Order(StringComparer.Ordinal));
        Assert.All(named, pair => Assert.Equal(0, GoldenFolder.Difference(file.Read(pair.Key), pair.Value)));
    }

    private static SequenceBatch Batch(IReadOnlyList<long[]> rows, IReadOnlyList<long[]>? labels = null) =>
        SequenceBatch.Create(
            [.. rows.Select((row, i) => new TokenSequence(Ints(row), labels is null ? null : Ints(labels[i])))],
            0,
            4096,
            TestDevice.Device
        );

    private static void Close(Tensor reference, Tensor ours)
    {
        Assert.Equal(reference.shape, ours.shape);
        Assert.True(ours.cpu().allclose(reference, rtol: 1e-4, atol: 1e-4), $"differs by up to {GoldenFolder.Difference(reference, ours)}");
    }

    private static long[] Longs(Tensor row) => row.data<long>().ToArray();

    private static int[] Ints(long[] row) => [.. row.Select(id => (int)id)];

    private Tensor Logits(SequenceBatch batch) => model.Logits(model.Forward(model.Embed(batch.TextIds), batch.Sequences));

    private void Load(string kind)
    {
        var folder = GoldenFolder.Of("qwen2-tiny", kind);
        model = Qwen2Model.LoadLanguage(folder, Qwen2Config.Read(folder), ScalarType.Float32, TestDevice.Device, Assert.Fail);
        expected = GoldenFolder.Tensors("qwen2-tiny", $"{kind}_expected.safetensors");
    }

    private Tensor Mask(string side, int row) => expected[$"{side}.attention_mask"][row].to(ScalarType.Bool);

    /// <summary>The prompts without padding.</summary>
    private List<long[]> Rows(string side) =>
        [
            .. Enumerable
                .Range(0, (int)expected[$"{side}.input_ids"].size(0))
                .Select(row => Longs(expected[$"{side}.input_ids"][row][Mask(side, row)])),
        ];

    /// <summary>The prompts as the reference has them: its penalty counts the padding as a token that was there.</summary>
    private List<int[]> PaddedRows() =>
        [
            .. Enumerable
                .Range(0, (int)expected["left.input_ids"].size(0))
                .Select(row => Ints(Longs(expected["left.input_ids"][row].contiguous()))),
        ];

    private List<int[]> Continuations(string name) =>
        [.. Enumerable.Range(0, (int)expected[name].size(0)).Select(row => Ints(Longs(expected[name][row].contiguous())))];

    private IReadOnlyList<IReadOnlyList<int>> Generate(
        int length,
        Func<Tensor, IReadOnlyList<int>, long[]>? choose,
        IReadOnlyCollection<int> ends
    ) =>
        GreedyGenerator.Generate(
            new TextModel(model, Backend.For(model.Dtype, model.Device)),
            new GenerationRequest([.. Rows("left").Select(row => new TokenSequence(Ints(row), null))], null, length)
            {
                Choose = choose,
                FurtherEnds = ends,
            },
            null
        );
}
