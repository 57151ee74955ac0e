using CoIN.Models.Checkpoints;
using CoIN.Models.Computing;
using CoIN.Models.Cpu;
using CoIN.Models.Cpu.Kernels;
using CoIN.Models.Families.QwenVl;
using CoIN.Models.Modules;
using CoIN.Models.Sequences;
using CoIN.Models.Tests.Golden;
using CoIN.Models.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Families.QwenVl;

[Trait("Category", "Parity")]
public sealed class QwenVlLanguageParityTests : IDisposable
{
    private readonly IReadOnlyDictionary<string, Tensor> expected = GoldenFolder.Tensors("qwen-vl-tiny", "expected.safetensors");
    private readonly QwenVlConfig config = QwenVlConfig.Read(GoldenFolder.Of("qwen-vl-tiny"));
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly IDisposable noGrad = no_grad();

    public void Dispose()
    {
        noGrad.Dispose();
        scope.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Logits_of_a_text_agree_with_the_reference(bool kernels)
    {
        using var language = Load(config.Text);
        var ids = Ids("text.input_ids");
        AssertClose(expected["text.logits_last20"][0], Logits(language, ids, ids.Count, kernels).narrow(0, ids.Count - 20, 20));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Beyond_the_trained_positions_evaluation_agrees_with_the_reference(bool kernels)
    {
        foreach (var (name, reference) in expected.Where(pair => pair.Key.StartsWith("long.", StringComparison.Ordinal)))
        {
            var trained = int.Parse(name[(name.LastIndexOf('_') + 1)..]);
            using var language = Load(config.Text with { LongContext = config.Text.LongContext! with { Trained = trained } });
            var ids = Ids("text.input_ids");
            Assert.True(ids.Count > trained);
            AssertClose(reference[0], Logits(language, ids, ids.Count, kernels).narrow(0, ids.Count - 20, 20));
        }
    }

    /// <summary>Nothing of it in training: there alpha stays and queries are not scaled.</summary>
    [Fact]
    public void Training_computes_as_without_it()
    {
        using var language = Load(config.Text with { LongContext = new LongContext(12, true, true) });
        using var plain = Load(config.Text with { LongContext = null });
        using var sequences = new PackedSequences([27], TestDevice.Device);
        var embedded = language.Embed(tensor(Ids("text.input_ids").Select(id => (long)id).ToArray(), device: TestDevice.Device));
        Assert.Equal(0, GoldenFolder.Difference(plain.Forward(embedded, sequences), language.Forward(embedded, sequences)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Greedy_text_agrees_with_the_reference(bool kernels)
    {
        using var language = Load(config.Text);
        var request = new GenerationRequest(
            [new TokenSequence(Ids("text.input_ids"), null)],
            null,
            (int)expected["greedy.text_tokens"].numel()
        );
        var answer = DecodingWays.Generate(
            new TextModel(language, Backends.Backend.For(ScalarType.Float32, TestDevice.Device)),
            request,
            kernels
        );
        Assert.Equal(Ids("greedy.text_tokens"), answer[0]);
    }

    /// <summary>Prompts of unlike bases in one batch: each answer is by the base of its own prompt, to its end.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Prompts_of_unlike_lengths_keep_their_own_base_in_a_batch(bool kernels)
    {
        using var language = Load(config.Text with { LongContext = new LongContext(7, true, true) });
        var ids = Ids("text.input_ids");
        int[] lengths = [6, 8, 15, 27];
        var seen = lengths.Select(_ => new List<Tensor>()).ToList();
        var request = new GenerationRequest([.. lengths.Select(length => new TokenSequence([.. ids.Take(length)], null))], null, 5)
        {
            Logits = (logits, prompts) =>
            {
                for (var row = 0; row < prompts.Count; row++)
                {
                    seen[prompts[row]].Add(logits[row].clone().DetachFromDisposeScope());
                }
            },
        };
        var answers = DecodingWays.Generate(
            new TextModel(language, Backends.Backend.For(ScalarType.Float32, TestDevice.Device)),
            request,
            kernels
        );
        for (var i = 0; i < lengths.Length; i++)
        {
            var whole = Logits(language, [.. ids.Take(lengths[i]), .. answers[i].Take(4)], lengths[i], kernels: false);
            AssertClose(whole.narrow(0, lengths[i] - 1, 5), stack(seen[i]));
        }
    }

    [Fact]
    public void The_bases_follow_the_length_by_steps()
    {
        var longer = new LongContext(2048, true, true);
        Assert.Equal([0, 0, 1, 1, 2, 2], new[] { 1, 2048, 2049, 4096, 4097, 8192 }.Select(longer.Table));
        Assert.Equal(3, longer.Bases(10000, 8192, 128).Count);
        Assert.Equal(10000 * Math.Pow(3, 128 / 126.0), longer.Bases(10000, 8192, 128)[1], 1e-6);
        Assert.Equal(0, (longer with { DynamicNtk = false }).Table(8000));
        Assert.Null(longer.QueryScale(2048));
        Assert.Equal(Math.Log(4096) / Math.Log(2048), longer.QueryScale(4096)![4095], 1e-6);
    }

    private static void AssertClose(Tensor reference, Tensor found)
    {
        Assert.Equal(reference.shape, found.shape);
        Assert.True(
            found.cpu().sub(reference.cpu()).abs().le(reference.cpu().abs().mul(1e-4).add(5e-4)).all().item<bool>(),
            $"differs by {GoldenFolder.Difference(reference, found)}"
        );
    }

    /// <summary>Logits of every position, as evaluation computes them behind a prompt of a length.</summary>
    private static Tensor Logits(DecoderModel language, IReadOnlyList<int> ids, int prompt, bool kernels)
    {
        TestDevice.SkipWithoutKernels(kernels);
        var embedded = language.Embed(tensor(ids.Select(id => (long)id).ToArray(), device: TestDevice.Device));
        if (kernels)
        {
            using var span = new KeyValueSpan(
                language.Config.Layers,
                language.Config.KeyValueHeads,
                language.Config.HeadSize,
                ids.Count,
                null
            )
            {
                Rotations = language.RotationsFrom(prompt),
            };
            NewPositions[] all = [new(0, ids.Count, span, span.Extend(ids.Count))];
            return language.Logits(CpuDecoder.Infer(language, null, embedded, all, all));
        }

        using var sequences = new PackedSequences([ids.Count], TestDevice.Device);
        var attention = new WholeSequences(language.Config, sequences, queryScale: language.QueryScaleAt(sequences.Positions));
        return language.Logits(language.Forward(embedded, sequences.Positions.add((long)language.RotationsFrom(prompt)), attention));
    }

    private static DecoderModel Load(DecoderConfig text)
    {
        using var checkpoint = CheckpointFolder.Open(GoldenFolder.Of("qwen-vl-tiny"));
        return new DecoderModel(
            checkpoint,
            "transformer.",
            "lm_head.weight",
            text,
            ScalarType.Float32,
            TestDevice.Device,
            QwenVlConfig.Names
        );
    }

    private List<int> Ids(string name) => [.. expected[name].data<long>().Select(id => (int)id)];
}
