using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Routing;
using CoIN.Models.Adapters;
using CoIN.Models.Adapters.Lora;
using CoIN.Models.Adapters.MoeLora;
using CoIN.Models.Computing;
using CoIN.Models.Families.Llava;
using CoIN.Models.Modules;
using CoIN.Models.Sequences;
using CoIN.Models.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Adapters.MoeLora;

/// <summary>MoELoRA by the kernels and by libtorch: against each other, against LoRA, in any company.</summary>
public sealed class MoeLoraTests : KernelTests
{
    private const int Picture = SequenceBatch.ImagePlaceholder;

    private static readonly LoraOptions Lora = new() { Rank = 8, Alpha = 16 };
    private static readonly int[] Lengths = [12, 3, 9, 5];

    private readonly TemporaryFolder folder = new();
    private readonly LlavaModel model;
    private readonly MoeLoraAdapter adapter;
    private readonly Tensor features;

    // The first, third and fourth begin alike, up to their picture; the first and the fourth show the same one.
    private readonly List<TokenSequence> prompts =
    [
        new([1, 5, Picture, 7], null),
        new([1, 9], null),
        new([1, 5, Picture, 8, 9, 10], null),
        new([1, 5, Picture, 11, 12], null),
    ];

    public MoeLoraTests()
    {
        TinyLlava.WriteHub(folder.Path);
        model = LlavaCheckpoint.Load(folder.Path, ScalarType.Float32, CPU, _ => { });
        using var noGrad = no_grad();
        adapter = Fresh(4);
        features = randn(2, 4, 16, generator: Generator);
    }

    public override void Dispose()
    {
        adapter.Dispose();
        model.Dispose();
        folder.Dispose();
        base.Dispose();
    }

    [Fact]
    public void It_begins_as_the_reference_does()
    {
        using var noGrad = no_grad();
        using var begun = MoeLoraAdapter.Initialize(model.Language, model.Projector, Lora, 4, CPU, 1);
        var low = cat([
            .. begun.Layers.SelectMany(layer => layer.All).Select(linear => linear.Inner.narrow(0, 0, linear.LowRows).flatten()),
        ]);
        Assert.InRange(low.std().item<float>(), 0.009, 0.011);
        Assert.All(begun.Layers.SelectMany(layer => layer.All), linear =>
        {
            var router = linear.Inner.narrow(0, linear.LowRows, linear.RouterRows);
            var bound = 1 / Math.Sqrt(linear.Inner.size(1));
            Assert.InRange(router.abs().max().item<float>(), 0.8 * bound, bound);
            Assert.All(linear.B, b => Assert.Equal(0, b.abs().max().item<float>()));
        });
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(0.25, false)]
    [InlineData(0, true)]
    [InlineData(0.25, true)]
    public void Checkpointing_gives_the_same_bits(double dropout, bool kernels)
    {
        var whole = Gradients(adapter, dropout, kernels, checkpointing: false);
        var layered = Gradients(adapter, dropout, kernels, checkpointing: true);
        Assert.Equal(whole.Loss, layered.Loss);
        Assert.All(whole.All.Zip(layered.All), pair => Assert.True(pair.First.equal(pair.Second).all().item<bool>()));
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(4, 0)]
    [InlineData(1, 0.25)]
    [InlineData(2, 0.25)]
    [InlineData(8, 0.25)]
    public void The_kernels_give_the_gradients_of_the_graph_and_drop_the_same(int experts, double dropout)
    {
        using var of = Fresh(experts);
        var graph = Gradients(of, dropout, kernels: false, checkpointing: false);
        var own = Gradients(of, dropout, kernels: true, checkpointing: false);
        Assert.Equal(graph.Loss, own.Loss, 5);
        Assert.All(graph.All.Zip(own.All), pair => Assert.InRange((pair.First - pair.Second).abs().max().item<float>(), 0, 1e-6));
        Assert.Contains(graph.All, gradient => gradient.abs().max().item<float>() > 1e-4);
    }

    [Fact]
    public void Every_expert_drops_inputs_of_its_own()
    {
        using var noGrad = no_grad();
        var linear = model.Language.Layers[0].Output;
        using var moe = MoeLoraLinear.Empty(linear, 4, 4, CPU);
        moe.Inner.fill_(0);
        moe.Inner.narrow(0, 0, moe.LowRows).fill_(1);
        var dropout = new Dropout(0.5, CPU);
        dropout.Seed(3);
        var x = ones(64, linear.In);
        moe.B[0].fill_(0);
        for (var expert = 0; expert < 4; expert++)
        {
            moe.B[0].select(0, expert).select(0, expert).fill_(1);
        }

        // With equal routing weights and B an identity, output e is what expert e has kept of its inputs.
        var kept = moe.AddTo([zeros(64, linear.Parts[0].Out)], x, 1, dropout, null)[0].narrow(1, 0, 4);
        for (var expert = 1; expert < 4; expert++)
        {
            Assert.True(kept.select(1, 0).ne(kept.select(1, expert)).to(ScalarType.Float32).mean().item<float>() > 0.5);
        }
    }

    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 0)]
    [InlineData(false, 0.25)]
    [InlineData(true, 0.25)]
    public void One_expert_is_LoRA_to_the_bit(bool kernels, double dropout)
    {
        using var one = Fresh(1);
        using var lora = Plain(one);
        var mixed = Gradients(one, dropout, kernels, checkpointing: false);
        var plain = Gradients(lora, dropout, kernels, checkpointing: false);
        Assert.Equal(plain.Loss, mixed.Loss);
        if (dropout == 0)
        {
            foreach (var parameter in one.Parameters().Concat(lora.Parameters()))
            {
                parameter.requires_grad_(false);
            }

            Assert.Equal(Bits(Logits(lora, kernels)), Bits(Logits(one, kernels)));
        }
    }

    [Fact]
    public void Logits_of_the_kernels_agree_with_those_of_libtorch_and_the_adapter_matters()
    {
        var (own, torch) = (Logits(adapter, kernels: true), Logits(adapter, kernels: false));
        Assert.All(own.SelectMany(row => row).Zip(torch.SelectMany(row => row)), pair => Close(pair.First, pair.Second, 1e-4f));
        using var other = Fresh(2);
        Assert.Contains(own[0][0].Zip(Logits(other, kernels: true)[0][0]), pair => Math.Abs(pair.First - pair.Second) > 1e-3);
    }

    [Fact]
    public void A_prompt_has_the_same_bits_alone_and_in_any_company()
    {
        var together = Logits(adapter, kernels: true);
        for (var i = 0; i < prompts.Count; i++)
        {
            Assert.Equal(Bits([together[i]]), Bits(Logits(adapter, kernels: true, [i])));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Routing_is_that_of_the_prompts_by_themselves_whatever_they_are_computed_with(bool kernels)
    {
        adapter.RecordRouting();
        _ = Logits(adapter, kernels);
        var together = adapter.TakeRouting();
        ExpertRouting? sum = null;
        for (var i = 0; i < prompts.Count; i++)
        {
            _ = Logits(adapter, kernels, [i]);
            sum = sum?.Add(adapter.TakeRouting()) ?? adapter.TakeRouting();
        }

        Same(sum!, together, 1e-4);

        // A position of every prompt and of every answer but its last: this one is not looked at any more.
        var positions = prompts.Sum(prompt => prompt.Ids.Sum(id => id == Picture ? 4 : 1)) + Lengths.Sum() - Lengths.Length;
        var first = together.Layers[0].Linears[0];
        Assert.Equal("self_attn.q_proj", first.Name);
        Assert.Equal(positions, first.Positions);
        Assert.Equal(Lengths.Sum(), together.Layers[^1].Linears[^1].Positions);
        Assert.Equal(4, together.Means.Count);
        Assert.Equal(1, together.Means.Sum(), 5);
        Assert.True(together.Means.Max() > together.Means.Min() + 1e-3);

        // Nothing is left of what was taken.
        Assert.Equal(0, adapter.TakeRouting().Layers[0].Linears[0].Positions);
    }

    [Fact]
    public void Routing_of_the_kernels_is_that_of_libtorch()
    {
        adapter.RecordRouting();
        _ = Logits(adapter, kernels: true);
        var own = adapter.TakeRouting();
        _ = Logits(adapter, kernels: false);
        Same(adapter.TakeRouting(), own, 1e-4);
    }

    [Fact]
    public void It_is_not_folded_into_weights() => Assert.Throws<NotSupportedException>(() => model.Language.Merged(adapter.Updates()));

    private static void Same(ExpertRouting expected, ExpertRouting found, double tolerance)
    {
        foreach (var (a, b) in expected.Layers.Zip(found.Layers).SelectMany(pair => pair.First.Linears.Zip(pair.Second.Linears)))
        {
            Assert.Equal(a.Name, b.Name);
            Assert.Equal(a.Positions, b.Positions);
            Assert.All(a.Weights.Zip(b.Weights), pair => Assert.InRange(pair.First - pair.Second, -tolerance, tolerance));
        }
    }

    private MoeLoraAdapter Fresh(int experts)
    {
        using var noGrad = no_grad();
        var made = MoeLoraAdapter.Initialize(model.Language, model.Projector, Lora, experts, CPU, 2);
        using var generator = new Generator(7, CPU);
        foreach (var tensor in made.Parameters())
        {
            tensor.add_(normal(0, 0.1, tensor.shape, generator: generator));
        }

        return made;
    }

    /// <summary>LoRA with the matrices of the only expert.</summary>
    private LoraAdapter Plain(MoeLoraAdapter of)
    {
        using var noGrad = no_grad();
        LoraLinear Of(Linear linear, MoeLoraLinear moe)
        {
            var made = LoraLinear.Empty(linear, moe.Rank, CPU);
            made.A.copy_(moe.Inner.narrow(0, 0, moe.LowRows));
            foreach (var (to, from) in made.B.Zip(moe.B))
            {
                to.copy_(from);
            }

            return made;
        }

        var layers = model
            .Language.Layers.Zip(of.Layers, (layer, moe) =>
                new LoraLayer(Of(layer.Qkv, moe.Qkv), Of(layer.Output, moe.Output), Of(layer.GateUp, moe.GateUp), Of(layer.Down, moe.Down))
            )
            .ToList();
        var projector = of.Projector!.TrainableCopy();
        return new LoraAdapter(of.Rank, of.Alpha, layers, projector);
    }

    private (double Loss, List<Tensor> All) Gradients(IAdapter of, double probability, bool kernels, bool checkpointing)
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
        var dropout = probability == 0 ? null : new Dropout(probability, CPU);
        dropout?.Seed(1);
        var loss = TrainingWays
            .Backend(kernels)
            .Training(model, of, dropout, checkpointing)
            .Run(batch, features.narrow(0, 0, 1), 1)
            .item<double>();
        return (loss, [.. of.Parameters().Select(parameter => (parameter.grad ?? zeros_like(parameter)).clone())]);
    }

    /// <summary>Logits of every step of some prompts.</summary>
    private List<List<float[]>> Logits(IAdapter beside, bool kernels, IReadOnlyList<int>? which = null)
    {
        which ??= [.. Enumerable.Range(0, prompts.Count)];
        int[] seen = [0, -1, 1, 0];
        var lengths = which.Select(i => Lengths[i]).ToList();
        var steps = which.Select(_ => new List<float[]>()).ToList();
        var request = new GenerationRequest([.. which.Select(i => prompts[i])], features, lengths.Max())
        {
            Lengths = lengths,
            Pictures = [.. which.Select(i => seen[i]).Where(row => row >= 0)],
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
        DecodingWays.Generate(model, request, kernels, beside);

        // A row that has ended may be computed a little longer.
        return [.. steps.Zip(lengths, (row, length) => row.Take(length).ToList())];
    }

    private static void Close(float[] a, float[] b, float tolerance) =>
        Assert.All(a.Zip(b), pair => Assert.InRange(Math.Abs(pair.First - pair.Second), 0, tolerance));

    private static List<int> Bits(List<List<float[]>> logits) =>
        [.. logits.SelectMany(steps => steps).SelectMany(row => row).Select(BitConverter.SingleToInt32Bits)];
}
