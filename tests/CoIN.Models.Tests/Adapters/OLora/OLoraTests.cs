using CoIN.Benchmark.Experiments;
using CoIN.Models.Adapters;
using CoIN.Models.Adapters.Lora;
using CoIN.Models.Adapters.OLora;
using CoIN.Models.Families.Llava;
using CoIN.Models.Modules;
using CoIN.Models.Sequences;
using CoIN.Models.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Adapters.OLora;

/// <summary>The LoRA of earlier tasks and the new one's are one LoRA of both ranks, of which the last part is trained.</summary>
public sealed class OLoraTests : KernelTests
{
    private const int Earlier = 6,
        New = 2;

    private readonly TemporaryFolder folder = new();
    private readonly LlavaModel model;
    private readonly LoraAdapter whole;
    private readonly Tensor features;

    public OLoraTests()
    {
        TinyLlava.WriteHub(folder.Path);
        model = LlavaCheckpoint.Load(folder.Path, ScalarType.Float32, CPU, _ => { });
        using var noGrad = no_grad();
        whole = LoraAdapter.Initialize(model.Language, model.Projector, new LoraOptions { Rank = Earlier + New, Alpha = 16 }, CPU, 1);
        foreach (var b in whole.Layers.SelectMany(layer => layer.All).SelectMany(linear => linear.B))
        {
            b.add_(normal(0, 0.1, b.shape, generator: Generator));
        }

        features = randn(1, 4, 16, generator: Generator);
    }

    public override void Dispose()
    {
        whole.Dispose();
        model.Dispose();
        folder.Dispose();
        base.Dispose();
    }

    [Theory]
    [InlineData(0, false, false)]
    [InlineData(0.25, false, false)]
    [InlineData(0, true, false)]
    [InlineData(0.25, true, false)]
    [InlineData(0.25, true, true)]
    public void Losses_and_gradients_are_those_of_one_LoRA_and_the_earlier_part_gets_none(double dropout, bool kernels, bool checkpointing)
    {
        using var parted = Parted();
        var expected = Gradients(whole, dropout, kernels, checkpointing);
        var found = Gradients(parted, dropout, kernels, checkpointing);
        Assert.Equal(expected.Loss, found.Loss, 5);
        var mine = parted.Named(Models.Torch.Gradients.Of).ToDictionary(pair => pair.Name, pair => pair.Tensor);
        foreach (var (name, gradient) in whole.Named(Models.Torch.Gradients.Of))
        {
            var dimension = name.Contains("lora_A", StringComparison.Ordinal) ? 0 : 1;
            var of = name.Contains("lora_", StringComparison.Ordinal) ? gradient.narrow(dimension, Earlier, New) : gradient;
            Assert.InRange((of - mine[name]).abs().max().item<float>(), 0, 1e-6);
        }

        Assert.Contains(mine.Values, gradient => gradient.abs().max().item<float>() > 1e-4);
        Assert.All(parted.Earlier!.UpdateParameters(), tensor => Assert.True(tensor.grad is null && !tensor.requires_grad));
    }

    [Fact]
    public void The_next_task_begins_as_nothing_beside_all_before_and_trains_their_projector_further()
    {
        using var noGrad = no_grad();
        var options = new LoraOptions { Rank = New, Alpha = 16.0 / (Earlier + New) * New };
        using var next = OLoraAdapter.Next(whole, model.Language, model.Projector, options, CPU, 3);
        using var other = OLoraAdapter.Next(whole, model.Language, model.Projector, options, CPU, 4);
        Assert.Same(whole.Projector, next.Projector);
        Assert.Equal((New, Earlier + New, Earlier + New + New), (next.Task.Rank, next.Earlier!.Rank, next.Rank));
        Assert.All(next.Task.Layers.SelectMany(layer => layer.All).SelectMany(linear => linear.B), b =>
            Assert.Equal(0, b.abs().max().item<float>())
        );
        Assert.False(next.Task.Layers[0].Qkv.A.equal(other.Task.Layers[0].Qkv.A).all().item<bool>());
        using var left = next.Updates().Layer(0).Down!.Merge(model.Language.Layers[0].Down);
        using var right = whole.Updates().Layer(0).Down!.Merge(model.Language.Layers[0].Down);
        Assert.InRange((left - right).abs().max().item<float>(), 0, 1e-6);
    }

    /// <summary>The same matrices in two.</summary>
    private OLoraAdapter Parted()
    {
        using var noGrad = no_grad();
        LoraAdapter Part(int from, int rank, Projector? projector)
        {
            LoraLinear Of(Linear linear, LoraLinear all)
            {
                var made = LoraLinear.Empty(linear, rank, CPU);
                foreach (var (to, source) in made.Slices().Zip(all.Slices()))
                {
                    to.A.copy_(source.A.narrow(0, from, rank));
                    to.B.copy_(source.B.narrow(1, from, rank));
                }

                return made;
            }

            var layers = model
                .Language.Layers.Zip(whole.Layers, (layer, of) =>
                    new LoraLayer(Of(layer.Qkv, of.Qkv), Of(layer.Output, of.Output), Of(layer.GateUp, of.GateUp), Of(layer.Down, of.Down))
                )
                .ToList();
            return new LoraAdapter(rank, whole.Scaling * rank, layers, projector);
        }

        return new OLoraAdapter(Part(Earlier, New, whole.Projector!.TrainableCopy()), Part(0, Earlier, null));
    }

    private (double Loss, List<Tensor> All) Gradients(IAdapter of, double probability, bool kernels, bool checkpointing)
    {
        foreach (var parameter in of.Parameters())
        {
            parameter.requires_grad_(true);
        }

        using var batch = SequenceBatch.Create(
            [new([1, SequenceBatch.ImagePlaceholder, 5, 6, 7, 2], [-100, -100, -100, 6, 7, 2]), new([1, 9, 8, 2], [-100, -100, 8, 2])],
            4,
            100,
            CPU
        );
        var dropout = probability == 0 ? null : new Dropout(probability, CPU);
        dropout?.Seed(1);
        var loss = TrainingWays.Backend(kernels).Training(model, of, dropout, checkpointing).Run(batch, features, 1).item<double>();
        return (loss, [.. of.Parameters().Select(parameter => parameter.grad!)]);
    }
}
