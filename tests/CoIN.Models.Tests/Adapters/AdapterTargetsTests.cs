using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Models.Adapters;
using CoIN.Models.Adapters.Lora;
using CoIN.Models.Adapters.MoeLora;
using CoIN.Models.Families;
using CoIN.Models.Families.Llava;
using CoIN.Models.Planning;
using CoIN.Models.Sequences;
using CoIN.Models.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Adapters;

/// <summary>Adapters of some linear maps only.</summary>
public sealed class AdapterTargetsTests : KernelTests
{
    private readonly TemporaryFolder folder = new();
    private readonly LlavaModel model;

    public AdapterTargetsTests()
    {
        TinyLlava.WriteHub(folder.Path);
        model = LlavaCheckpoint.Load(folder.Path, ScalarType.Float32, CPU, _ => { });
    }

    public override void Dispose()
    {
        model.Dispose();
        folder.Dispose();
        base.Dispose();
    }

    /// <summary>What is written, which maps of the two layers it means, and what target_modules says.</summary>
    public static TheoryData<string[]?, string?, string, string> Choices =>
        new()
        {
            { ["v_proj", "down_proj"], null, "0.self_attn.v_proj 0.mlp.down_proj 1.self_attn.v_proj 1.mlp.down_proj", "down_proj v_proj" },
            { ["self_attn.k_proj"], null, "0.self_attn.k_proj 1.self_attn.k_proj", "k_proj" },
            {
                null,
                @"model\.layers\.1\.mlp\..*",
                "1.mlp.gate_proj 1.mlp.up_proj 1.mlp.down_proj",
                "model.layers.1.mlp.gate_proj model.layers.1.mlp.up_proj model.layers.1.mlp.down_proj"
            },
            { ["model.layers.0.self_attn.o_proj"], null, "0.self_attn.o_proj", "model.layers.0.self_attn.o_proj" },
            {
                null,
                "all-linear",
                string.Join(
                    ' ',
                    new[] { 0, 1 }.SelectMany(i =>
                        new[]
                        {
                            "self_attn.q_proj",
                            "self_attn.k_proj",
                            "self_attn.v_proj",
                            "self_attn.o_proj",
                            "mlp.gate_proj",
                            "mlp.up_proj",
                            "mlp.down_proj",
                        }.Select(name => $"{i}.{name}")
                    )
                ),
                "down_proj gate_proj k_proj o_proj q_proj up_proj v_proj"
            },
        };

    [Theory]
    [MemberData(nameof(Choices))]
    public void Only_what_is_meant_has_matrices_in_training_files_answers_and_the_plan(
        string[]? names,
        string? pattern,
        string maps,
        string written
    )
    {
        var options = new LoraOptions
        {
            Rank = 4,
            Alpha = 8,
            Targets = names,
            TargetPattern = pattern,
        };
        foreach (var experts in new[] { 0, 2 })
        {
            IAdapter Fresh() =>
                experts == 0
                    ? LoraAdapter.Initialize(model.Language, model.Projector, options, CPU, 1)
                    : MoeLoraAdapter.Initialize(model.Language, model.Projector, options, experts, CPU, 1);
            using var adapter = Fresh();
            var found = adapter
                .Named()
                .Where(one => one.Name.Contains("lora_", StringComparison.Ordinal))
                .Select(one => one.Name["base_model.model.model.layers.".Length..one.Name.IndexOf(".lora_", StringComparison.Ordinal)])
                .Distinct()
                .ToList();
            Assert.Equal(maps.Split(' '), found);
            Assert.Equal(written.Split(' '), (adapter as LoraAdapter)?.Targets ?? ((MoeLoraAdapter)adapter).Targets);
            var shape = ModelFamilies.Of(new ModelOptions { Path = folder.Path }).Shape(new ModelOptions { Path = folder.Path });
            Assert.Equal(
                adapter.UpdateParameters().Sum(tensor => tensor.numel()),
                ParameterCounts.Of(shape, 4, experts, AdapterTargets.Of(options)).Lora
            );

            using var noGrad = no_grad();
            foreach (var (name, tensor) in adapter.Named().Where(one => one.Name.Contains("lora_B", StringComparison.Ordinal)))
            {
                tensor.add_(normal(0, 0.1, tensor.shape, generator: Generator));
                Assert.NotNull(name);
            }

            // Files come back as they were, and computations agree, with and without dropout.
            var copy = Directory.CreateDirectory(folder.Of($"adapter-{experts}")).FullName;
            adapter.Write(copy, 0, "m");
            using var read = AdapterKinds.In(copy).Read(copy, model.Language, model.Projector);
            Assert.Equal(adapter.Named().Select(one => one.Name), read.Named().Select(one => one.Name));
            Assert.All(adapter.Named().Zip(read.Named()), pair =>
                Assert.True(pair.First.Tensor.equal(pair.Second.Tensor).all().item<bool>())
            );
            foreach (var dropout in new[] { 0, 0.25 })
            {
                var graph = Gradients(adapter, dropout, kernels: false);
                var own = Gradients(adapter, dropout, kernels: true);
                Assert.Equal(graph.Loss, own.Loss, 5);
                Assert.All(graph.All.Zip(own.All), pair => Assert.InRange((pair.First - pair.Second).abs().max().item<float>(), 0, 1e-6));
                Assert.Contains(graph.All, gradient => gradient.abs().max().item<float>() > 1e-4);
            }
        }
    }

    [Fact]
    public void A_merged_model_differs_in_the_maps_that_are_meant_alone()
    {
        using var noGrad = no_grad();
        using var adapter = LoraAdapter.Initialize(
            model.Language,
            model.Projector,
            new LoraOptions
            {
                Rank = 4,
                Alpha = 8,
                Targets = ["k_proj", "up_proj"],
            },
            CPU,
            1
        );
        adapter.Layers.SelectMany(layer => layer.All).SelectMany(linear => linear.B).ToList().ForEach(b => b.fill_(1));
        using var merged = model.Language.Merged(adapter.Updates());
        var changed = model
            .Language.Layers.Zip(merged.Layers)
            .SelectMany(
                (pair, i) =>
                    pair
                        .First.Linears.SelectMany(linear => linear.Named($"{i}."))
                        .Zip(pair.Second.Linears.SelectMany(linear => linear.Named("")), (before, after) =>
                            (before.Name, Same: before.Tensor.equal(after.Tensor).all().item<bool>())
                        )
            );
        Assert.Equal(
            ["0.self_attn.k_proj.weight", "0.mlp.up_proj.weight", "1.self_attn.k_proj.weight", "1.mlp.up_proj.weight"],
            changed.Where(one => !one.Same).Select(one => one.Name)
        );
    }

    [Theory]
    [InlineData(new[] { "q_proj", "query" }, null, "names query, which is no linear map", "self_attn.q_proj")]
    [InlineData(null, "q_proj", "is q_proj, which is no linear map", "write [q_proj] for names that end so")]
    [InlineData(null, "vision_tower.*", "is vision_tower.*, which is no linear map", "mlp.{gate_proj,up_proj,down_proj}")]
    [InlineData(null, "(", "'(' is not a regular expression", "coin.lora.targets")]
    public void What_means_nothing_is_refused_with_the_names_that_there_are(string[]? names, string? pattern, string fault, string hint)
    {
        var options = new LoraOptions { Targets = names, TargetPattern = pattern };
        var message = Assert.Throws<CoinException>(() => LoraAdapter.Initialize(model.Language, model.Projector, options, CPU, 1)).Message;
        Assert.Contains(fault, message, StringComparison.Ordinal);
        Assert.Contains(hint, message, StringComparison.Ordinal);
    }

    private (double Loss, List<Tensor> All) Gradients(IAdapter of, double probability, bool kernels)
    {
        foreach (var parameter in of.Parameters())
        {
            parameter.requires_grad_(true);
            parameter.grad?.zero_();
        }

        using var grad = enable_grad();
        using var batch = SequenceBatch.Create(
            [new([1, 5, 6, 7, 2], [-100, -100, 6, 7, 2]), new([1, 9, 8, 2], [-100, -100, 8, 2])],
            4,
            100,
            CPU
        );
        var dropout = probability == 0 ? null : new Dropout(probability, CPU);
        dropout?.Seed(1);
        var loss = TrainingWays.Backend(kernels).Training(model, of, dropout, false).Run(batch, null, 1).item<double>();
        return (loss, [.. of.UpdateParameters().Select(parameter => (parameter.grad ?? zeros_like(parameter)).clone())]);
    }
}
