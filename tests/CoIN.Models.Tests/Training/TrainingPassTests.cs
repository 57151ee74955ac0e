using CoIN.Benchmark.Experiments;
using CoIN.Models.Adapters;
using CoIN.Models.Adapters.Lora;
using CoIN.Models.Families.Llava;
using CoIN.Models.Modules;
using CoIN.Models.Sequences;
using CoIN.Models.Tests.Support;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Training;

/// <summary>Gradients of a tiny untrained model, computed in the ways that there are.</summary>
public sealed class TrainingPassTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly LlavaModel model;

    public TrainingPassTests()
    {
        LlavaInitializer.Write(
            folder.Path,
            new LlavaConfig(
                new VisionConfig(16, 32, 3, 2, 16, 8, "quick_gelu", 1e-5),
                new DecoderConfig(32, 48, 3, 4, 2, 64, 1e-5, 10000, 128, false),
                -2,
                false
            ),
            63,
            1
        );
        model = LlavaCheckpoint.Load(folder.Path, ScalarType.Float32, CPU, _ => { });
    }

    public void Dispose()
    {
        model.Dispose();
        scope.Dispose();
        folder.Dispose();
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(0.25, false)]
    [InlineData(0, true)]
    [InlineData(0.25, true)]
    public void Checkpointing_gives_the_same_bits(double dropout, bool kernels)
    {
        var (loss, whole) = Gradients(model, dropout, checkpointing: false, kernels: kernels);
        var (again, layered) = Gradients(model, dropout, checkpointing: true, kernels: kernels);
        Assert.Equal(loss, again);
        Assert.All(whole.Zip(layered), pair => Assert.True(pair.First.equal(pair.Second).all().item<bool>()));
        Assert.Contains(whole, gradient => gradient.abs().max().item<float>() > 0);
    }

    [Fact]
    public void The_kernels_leave_out_the_last_product_of_a_layer_that_is_computed_again()
    {
        using var adapter = Adapter(model);
        using var batch = Batch();
        int Copies(bool checkpointing)
        {
            var pass = TrainingWays.Pass(model, adapter, null, checkpointing, kernels: true);
            return OperatorCounter.Of(() => pass.Run(batch, Features(model), 1)).GetValueOrDefault("copy_");
        }

        // All layers but the last are computed twice, and what they put out is copied to the inputs' common place. Again, a layer copies
        // the sum to which its second map adds, and turns B of the six parts of its first three maps; the last map's sum and its B are
        // left alone.
        Assert.Equal(8 * (model.Language.Layers.Count - 1), Copies(checkpointing: true) - Copies(checkpointing: false));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.25)]
    public void The_kernels_give_the_gradients_of_the_graph_and_drop_the_same(double dropout)
    {
        var (loss, graph) = Gradients(model, dropout, checkpointing: false);
        var (again, own) = Gradients(model, dropout, checkpointing: false, kernels: true);
        Assert.Equal(loss, again, 5);
        Assert.All(graph.Zip(own), pair => Assert.InRange((pair.First - pair.Second).abs().max().item<float>(), 0, 1e-6));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_pass_agrees_with_the_loss_in_one_piece(bool kernels)
    {
        using var adapter = Adapter(model);
        using var batch = Batch();
        var loss = Reference.Loss(model, batch, Features(model), adapter);
        loss.backward();
        var (value, gradients) = Gradients(model, 0, checkpointing: true, microBatches: 1, kernels);
        Assert.Equal(loss.item<float>(), value, 5);
        Assert.All(adapter.Parameters().Zip(gradients), pair =>
            Assert.InRange((pair.First.grad! - pair.Second).abs().max().item<float>(), 0, 1e-6)
        );
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Chunks_of_labelled_positions_add_up(bool kernels)
    {
        using var noGrad = no_grad();
        using var generator = new Generator(5, CPU);
        var hidden = randn(11, 32, generator: generator);
        var targets = arange(11);
        var (whole, all) = TrainingWays.Backend(kernels).Loss(model.Language, hidden, targets, 0.5);
        var (parts, some) = TrainingWays.Backend(kernels, lossRows: 3).Loss(model.Language, hidden, targets, 0.5);
        Assert.InRange((whole - parts).item<double>(), -1e-5, 1e-5);
        Assert.InRange((all - some).abs().max().item<float>(), 0, 1e-7);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Positions_may_weigh_unlike_and_what_a_method_adds_weighs_with_them(bool kernels)
    {
        using var noGrad = no_grad();
        using var generator = new Generator(5, CPU);
        var hidden = randn(11, 32, generator: generator);
        var targets = arange(11);
        var factors = linspace(0.5, 1.5, 11);
        var added = randn(11, 64, generator: generator).mul_(Scalars.Of(0.01));
        var (loss, gradient) = TrainingWays
            .Backend(kernels, lossRows: 3)
            .Loss(
                model.Language,
                hidden,
                targets,
                0.5,
                rows => added.narrow(0, rows.First, rows.Logits.size(0)).div(Scalars.Of(rows.Total)),
                factors: factors
            );
        for (var row = 0; row < 11; row++)
        {
            // A position by itself, of eleven.
            var factor = factors[row].item<float>();
            var (alone, own) = TrainingWays
                .Backend(kernels)
                .Loss(model.Language, hidden.narrow(0, row, 1), targets.narrow(0, row, 1), 0.5 * factor / 11, _ => added.narrow(0, row, 1));
            loss.sub_(alone.mul_(Scalars.Of(factor / 11.0)));
            Assert.InRange((gradient.narrow(0, row, 1) - own).abs().max().item<float>(), 0, 1e-7);
        }

        Assert.InRange(loss.item<double>(), -1e-6, 1e-6);
    }

    [Fact]
    public void A_base_in_bfloat16_gives_about_the_gradients_of_float32_and_gives_them_in_float32()
    {
        using var half = LlavaCheckpoint.Load(folder.Path, ScalarType.BFloat16, CPU, _ => { });
        var (loss, exact) = Gradients(model, 0, checkpointing: false);
        var (rounded, gradients) = Gradients(half, 0, checkpointing: true);
        Assert.Equal(ScalarType.BFloat16, half.Language.Dtype);
        Assert.All(gradients, gradient => Assert.Equal(ScalarType.Float32, gradient.dtype));
        Assert.InRange(Math.Abs(loss - rounded), 0, 2e-2);
        var (a, b) = (cat([.. exact.Select(gradient => gradient.flatten())]), cat([.. gradients.Select(gradient => gradient.flatten())]));
        Assert.InRange(((a - b).norm() / a.norm()).item<float>(), 0, 5e-2);
    }

    [Fact]
    public void Frozen_parts_build_no_graph()
    {
        using var batch = Batch();
        Assert.False(Features(model).requires_grad);
        Assert.False(model.Embed(batch, Features(model)).requires_grad);
    }

    [Fact]
    public void A_sequence_is_measured_as_it_is_laid_out()
    {
        foreach (var max in new[] { 5, 6, 7, 100 })
        {
            using var batch = SequenceBatch.Create(Rows, model.Config.ImageTokens, max, CPU);
            var sizes = Rows.Select(row => row.Measure(model.Config.ImageTokens, max)).ToList();
            Assert.Equal(batch.Sequences.Lengths, sizes.Select(size => size.Positions));
            Assert.Equal(batch.LabelledRows.size(0), sizes.Sum(size => size.Labelled));
        }
    }

    private static readonly TokenSequence[] Rows =
    [
        new([1, SequenceBatch.ImagePlaceholder, 5, 6, 7, 2], [-100, -100, -100, 6, 7, 2]),
        new([1, 9, 8, 2], [-100, -100, 8, 2]),
    ];

    private static SequenceBatch Batch() => SequenceBatch.Create(Rows, 4, 100, CPU);

    private static Tensor Features(LlavaModel of)
    {
        using var noGrad = no_grad();
        return of.Features(linspace(-1, 1, 3 * 16 * 16).view(1, 3, 16, 16));
    }

    private static LoraAdapter Adapter(LlavaModel of)
    {
        var adapter = LoraAdapter.Initialize(of.Language, of.Projector, new LoraOptions { Rank = 4, Alpha = 8 }, CPU, 3);
        using var generator = new Generator(4, CPU);
        foreach (var b in adapter.Layers.SelectMany(layer => layer.All).SelectMany(linear => linear.B))
        {
            // B begins as zero, and A would have no gradient.
            b.copy_(randn(b.shape, generator: generator) * 0.1);
        }

        foreach (var parameter in adapter.Parameters())
        {
            parameter.requires_grad_(true);
        }

        return adapter;
    }

    /// <summary>Accumulates micro-batches with masks of their own.</summary>
    private static (double Loss, List<Tensor> Gradients) Gradients(
        LlavaModel of,
        double probability,
        bool checkpointing,
        int microBatches = 2,
        bool kernels = false
    )
    {
        using var adapter = Adapter(of);
        var dropout = probability > 0 ? new Dropout(probability, CPU) : null;
        var pass = TrainingWays.Pass(of, adapter, dropout, checkpointing, kernels);
        double loss = 0;
        for (var micro = 0; micro < microBatches; micro++)
        {
            using var batch = Batch();
            dropout?.Seed(micro);
            loss += pass.Run(batch, Features(of), 1.0 / microBatches).item<double>() / microBatches;
        }

        return (loss, [.. adapter.Parameters().Select(parameter => parameter.grad!.clone())]);
    }
}
