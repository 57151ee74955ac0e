using CoIN.Benchmark.Experiments;
using CoIN.Models.Adapters;
using CoIN.Models.Adapters.Lora;
using CoIN.Models.Computing;
using CoIN.Models.Cpu;
using CoIN.Models.Families.Llava;
using CoIN.Models.Modules;
using CoIN.Models.Sequences;
using CoIN.Models.Tests.Support;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Cpu;

/// <summary>Answers and gradients by the kernels with an adapter beside the weights, one that they know and one that they do not.</summary>
public sealed class UnmergedAdapterTests : KernelTests
{
    private const int Picture = SequenceBatch.ImagePlaceholder;

    private static readonly int[] Lengths = [12, 3, 9];

    private readonly TemporaryFolder folder = new();
    private readonly LlavaModel model;
    private readonly LoraAdapter adapter;
    private readonly Tensor features;
    private readonly List<TokenSequence> prompts = [new([1, 5, Picture, 7], null), new([1, 9], null), new([1, 5, Picture, 8, 9, 10], null)];

    public UnmergedAdapterTests()
    {
        TinyLlava.WriteHub(folder.Path);
        model = LlavaCheckpoint.Load(folder.Path, ScalarType.Float32, CPU, _ => { });
        using var noGrad = no_grad();
        adapter = LoraAdapter.Initialize(model.Language, model.Projector, new LoraOptions { Rank = 4, Alpha = 8 }, CPU, 2);
        foreach (var tensor in adapter.Parameters())
        {
            tensor.add_(normal(0, 0.1, tensor.shape, generator: Generator));
        }

        features = randn(2, 4, 16, generator: Generator);
    }

    public override void Dispose()
    {
        adapter.Dispose();
        model.Dispose();
        folder.Dispose();
        base.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Logits_agree_with_those_of_the_merged_weights_and_of_libtorch(bool opaque)
    {
        var beside = Logits(model, opaque ? new Opaque(adapter) : adapter, kernels: true);
        var torch = Logits(model, adapter, kernels: false);
        using var noGrad = no_grad();
        var merged = (LlavaModel)model.Merged(adapter);
        var folded = Logits(merged, null, kernels: true);
        var plain = Logits(model, null, kernels: true);
        merged.Language.Dispose();
        Close(folded, beside, 1e-4f);
        Close(torch, beside, 1e-4f);
        Assert.Contains(plain[0][0].Zip(beside[0][0]), pair => Math.Abs(pair.First - pair.Second) > 1e-2);
    }

    [Fact]
    public void A_prompt_has_the_same_bits_alone_and_in_any_company()
    {
        var together = Logits(model, adapter, kernels: true);
        int[] pictures = [0, -1, 1];
        for (var i = 0; i < prompts.Count; i++)
        {
            var own = pictures[i] < 0 ? null : features.narrow(0, pictures[i], 1);
            var alone = Logits(model, adapter, kernels: true, [prompts[i]], own, [Lengths[i]]);
            Close(alone, [together[i]], 0);
        }
    }

    [Fact]
    public void The_gradients_of_a_kind_that_the_kernels_do_not_know_are_those_of_a_kind_that_they_know()
    {
        var known = Gradients(adapter);
        var unknown = Gradients(new Opaque(adapter));
        Assert.Equal(known.Loss, unknown.Loss, 5);
        Assert.All(known.All.Zip(unknown.All), pair => Assert.InRange((pair.First - pair.Second).abs().max().item<float>(), 0, 1e-6));
        Assert.Contains(known.All, gradient => gradient.abs().max().item<float>() > 1e-4);
    }

    private (double Loss, List<Tensor> All) Gradients(IAdapter of)
    {
        foreach (var parameter in of.Parameters())
        {
            parameter.requires_grad_(true);
            parameter.grad?.zero_();
        }

        using var batch = SequenceBatch.Create(
            [new([1, Picture, 5, 6, 7, 2], [-100, -100, -100, 6, 7, 2]), new([1, 9, 8, 2], [-100, -100, 8, 2])],
            4,
            100,
            CPU
        );
        var dropout = new Dropout(0.25, CPU);
        dropout.Seed(1);
        var loss = new CpuBackend()
            .Training(model, of, dropout, checkpointing: true)
            .Run(batch, features.narrow(0, 0, 1), 1)
            .item<double>();
        return (loss, [.. of.Parameters().Select(parameter => parameter.grad!.clone())]);
    }

    private List<List<float[]>> Logits(IPromptedModel of, IAdapter? beside, bool kernels) =>
        Logits(of, beside, kernels, prompts, features, Lengths);

    private static List<List<float[]>> Logits(
        IPromptedModel of,
        IAdapter? beside,
        bool kernels,
        IReadOnlyList<TokenSequence> asked,
        Tensor? seen,
        IReadOnlyList<int> lengths
    )
    {
        var steps = asked.Select(_ => new List<float[]>()).ToList();
        var request = new GenerationRequest(asked, seen, lengths.Max())
        {
            Lengths = lengths,
            Logits = (scores, rows) =>
            {
                for (var row = 0; row < rows.Count; row++)
                {
                    steps[rows[row]].Add([.. scores[row].data<float>()]);
                }
            },

            // The same tokens by all, so that logits can be compared.
            Choose = (_, rows) => [.. rows.Select(_ => 5L)],
        };
        DecodingWays.Generate(of, request, kernels, beside);

        // A row that has ended may be computed a little longer.
        return [.. steps.Zip(lengths, (row, length) => row.Take(length).ToList())];
    }

    private static void Close(List<List<float[]>> expected, List<List<float[]>> found, float tolerance)
    {
        Assert.Equal(expected.Select(steps => steps.Count), found.Select(steps => steps.Count));
        foreach (var (a, b) in expected.SelectMany(steps => steps).Zip(found.SelectMany(steps => steps)))
        {
            Assert.All(a.Zip(b), pair => Assert.InRange(Math.Abs(pair.First - pair.Second), 0, tolerance));
        }
    }

    /// <summary>LoRA in a disguise through which nobody sees.</summary>
    private sealed class Opaque(LoraAdapter adapter) : IAdapter, IDecoderUpdates
    {
        private IDecoderUpdates updates = adapter.Updates();

        public Projector? Projector => adapter.Projector;

        public bool CanMerge => false;

        public IDecoderUpdates Updates(Dropout? dropout = null)
        {
            updates = adapter.Updates(dropout);
            return this;
        }

        public ILayerUpdates Layer(int layer) => new Layered(updates.Layer(layer));

        public IEnumerable<Tensor> UpdateParameters() => adapter.UpdateParameters();

        public IEnumerable<Tensor> Parameters() => adapter.Parameters();

        public IEnumerable<(string Name, Tensor Tensor)> Named(Func<Tensor, Tensor>? of = null) => adapter.Named(of);

        public void Write(string folder, double dropout, string baseModel) => throw new NotSupportedException();

        public void Dispose() { }

        private sealed class Layered(ILayerUpdates inner) : ILayerUpdates
        {
            public ILinearUpdate Qkv { get; } = new One(inner.Qkv!);

            public ILinearUpdate Output { get; } = new One(inner.Output!);

            public ILinearUpdate GateUp { get; } = new One(inner.GateUp!);

            public ILinearUpdate Down { get; } = new One(inner.Down!);
        }

        private sealed class One(ILinearUpdate inner) : ILinearUpdate
        {
            public Tensor[] AddTo(Tensor[] outputs, Tensor x) => inner.AddTo(outputs, x);

            public Tensor Merge(Linear linear) => throw new NotSupportedException();
        }
    }
}
