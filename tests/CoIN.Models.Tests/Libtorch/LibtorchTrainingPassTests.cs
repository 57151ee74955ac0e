using System.Runtime.InteropServices;
using CoIN.Benchmark.Experiments;
using CoIN.Models.Adapters;
using CoIN.Models.Adapters.Lora;
using CoIN.Models.Adapters.MoeLora;
using CoIN.Models.Adapters.OLora;
using CoIN.Models.Checkpoints;
using CoIN.Models.Computing;
using CoIN.Models.Families.Llava;
using CoIN.Models.Generation;
using CoIN.Models.Libtorch;
using CoIN.Models.Modules;
using CoIN.Models.Sequences;
using CoIN.Models.Tests.Support;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Libtorch;

/// <summary>The backward pass that is written out, against libtorch's graph of the same layers.</summary>
public sealed class LibtorchTrainingPassTests : IDisposable
{
    private const int Size = 32,
        Inner = 48,
        Words = 64;

    private readonly TemporaryFolder folder = new();
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly Generator generator = new(1, CPU);

    public void Dispose()
    {
        generator.Dispose();
        scope.Dispose();
        folder.Dispose();
    }

    [Theory]
    [InlineData("lora", 0, 2, false)]
    [InlineData("lora", 0.25, 2, false)]
    [InlineData("lora", 0.25, 4, true)]
    [InlineData("o-lora", 0, 2, false)]
    [InlineData("o-lora", 0.25, 2, false)]
    [InlineData("moelora", 0, 2, false)]
    [InlineData("moelora", 0.25, 2, false)]
    [InlineData("one expert", 0.25, 2, false)]
    [InlineData("some maps", 0.25, 2, false)]
    [InlineData("unknown", 0.25, 2, false)]
    public void Losses_and_gradients_are_those_of_the_graph(string kind, double dropout, int keyValueHeads, bool bias)
    {
        var language = Language(ScalarType.Float32, keyValueHeads, bias);
        using var adapter = Adapter(kind, language);
        foreach (var rows in new[] { Padded, Alone })
        {
            var graph = Gradients(language, adapter, dropout, graph: true, checkpointing: false, rows);
            foreach (var checkpointing in new[] { false, true })
            {
                var (loss, own) = Gradients(language, adapter, dropout, graph: false, checkpointing, rows);
                Assert.Equal(graph.Loss, loss, 5);
                Assert.All(graph.All.Zip(own), pair => Assert.InRange(Largest(pair.First - pair.Second), 0, 2e-6));
            }

            Assert.Contains(graph.All, gradient => Largest(gradient) > 1e-3);
        }
    }

    [Theory]
    [InlineData("lora")]
    [InlineData("o-lora")]
    [InlineData("some maps")]
    public void Inputs_that_are_dropped_and_scaled_in_one_give_the_gradients_of_the_same_masks(string kind)
    {
        var language = Language(ScalarType.Float32, 2, bias: false);
        using var adapter = Adapter(kind, language);
        var apart = Gradients(language, adapter, 0.25, graph: true, checkpointing: false, Padded);
        foreach (var checkpointing in new[] { false, true })
        {
            var (loss, own) = Gradients(language, adapter, 0.25, graph: false, checkpointing, Padded, (dropout, x) =>
            {
                var kept = dropout.Masks((int)x.size(0), x.shape[1..]).logical_not();
                return (x.mul(kept).mul(Scalars.Of(dropout.Scale)), kept);
            });
            Assert.Equal(apart.Loss, loss, 5);
            Assert.All(apart.All.Zip(own), pair => Assert.InRange(Largest(pair.First - pair.Second), 0, 2e-6));
        }
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void The_fused_dropout_is_asked_for_as_libtorch_knows_it_and_left_alone_on_a_CPU(ScalarType dtype)
    {
        using var noGrad = no_grad();
        Assert.True(FusedDropout.Agrees(dtype, CPU, static seed => manual_seed(seed)));
        Assert.False(FusedDropout.Agrees(dtype, CPU, static _ => { }));
        Assert.False(FusedDropout.Serves(zeros([1], dtype), static _ => { }));
    }

    [Theory]
    [InlineData("lora", 0)]
    [InlineData("lora", 0.25)]
    [InlineData("o-lora", 0.25)]
    [InlineData("moelora", 0.25)]
    public void In_bfloat16_they_are_as_near_to_those_of_float32_as_the_graphs_are(string kind, double dropout)
    {
        var half = Language(ScalarType.BFloat16, 2, bias: true);
        var whole = Language(ScalarType.Float32, 2, bias: true);
        using var adapter = Adapter(kind, whole);
        var exact = Flat(Gradients(whole, adapter, dropout, graph: true, checkpointing: false, Padded).All);
        var graph = Gradients(half, adapter, dropout, graph: true, checkpointing: false, Padded);
        var (loss, own) = Gradients(half, adapter, dropout, graph: false, checkpointing: true, Padded);
        Assert.All(own, gradient => Assert.Equal(ScalarType.Float32, gradient.dtype));
        Assert.InRange(Math.Abs(graph.Loss - loss), 0, 1e-2);
        double Error(List<Tensor> found) => ((Flat(found) - exact).norm() / exact.norm()).item<float>();
        Assert.InRange(Error(own), 0, Math.Max(1.25 * Error(graph.All), 1e-2));
    }

    [Fact]
    public void Matrices_are_converted_once_until_they_change()
    {
        var half = Language(ScalarType.BFloat16, 2, bias: false);
        using var adapter = (LoraAdapter)Adapter("lora", half);
        var pass = new LibtorchBackend().Training(new TextModel(half, new LibtorchBackend()), adapter, null, checkpointing: true);
        using var batch = SequenceBatch.Create(Padded, 0, 100, CPU);
        int Conversions() => OperatorCounter.Of(() => pass.Run(batch, null, 1)).GetValueOrDefault("_foreach_copy_");
        Assert.Equal(1, Conversions());
        Assert.Equal(0, Conversions());
        var loss = pass.Run(batch, null, 1).item<double>();
        using (no_grad())
        {
            foreach (var parameter in adapter.Parameters())
            {
                parameter.detach().mul_(1.5.ToScalar());
            }
        }

        Assert.Equal(1, Conversions());
        Assert.NotEqual(loss, pass.Run(batch, null, 1).item<double>());
        Assert.Throws<InvalidOperationException>(() =>
            ((LoraUpdate)adapter.Updates().Layer(0).Qkv!).Typed(adapter.Layers[0].Qkv.A, ScalarType.Float16)
        );
    }

    /// <summary>Counted with checkpointing in bfloat16 by what one more layer adds.</summary>
    [Theory]
    [InlineData(false, 0)]
    [InlineData(false, 0.25)]
    [InlineData(true, 0)]
    [InlineData(true, 0.25)]
    public void A_layer_asks_for_at_most_two_thirds_of_the_operators_of_a_graph(bool padded, double dropout)
    {
        int Count(bool graph, int layers)
        {
            var language = Language(ScalarType.BFloat16, 4, bias: false, layers);
            using var adapter = Adapter("lora", language);
            foreach (var parameter in adapter.Parameters())
            {
                parameter.requires_grad_(true);
            }

            using var batch = SequenceBatch.Create(padded ? Padded : Alone, 0, 100, CPU);
            var masks = dropout == 0 ? null : new Dropout(dropout, CPU);
            var backend = new LibtorchBackend(graph: graph);
            var pass = backend.Training(new TextModel(language, backend), adapter, masks, checkpointing: true);
            pass.Run(batch, null, 1);
            return OperatorCounter.Of(() => pass.Run(batch, null, 1)).Values.Sum();
        }

        int Layer(bool graph) => Count(graph, 4) - Count(graph, 3);
        var (before, after) = (Layer(graph: true), Layer(graph: false));
        TestContext.Current.TestOutputHelper?.WriteLine($"A layer: {before} operators with a graph, {after} without");
        Assert.InRange(after, 20, before * 2 / 3);
    }

    /// <summary>Four maps, forward and again.</summary>
    [Fact]
    public void Where_dropout_is_fused_it_is_one_operator_for_each_map_with_the_drawing()
    {
        IReadOnlyDictionary<string, int> Count(int layers, bool fused)
        {
            var language = Language(ScalarType.BFloat16, 4, bias: false, layers);
            using var adapter = Adapter("lora", language);
            using var batch = SequenceBatch.Create(Alone, 0, 100, CPU);
            var dropout = new Dropout(0.25, CPU) { Fused = fused ? static (_, x) => FusedDropout.Draw(x, 0.25) : null };
            var pass = new LibtorchBackend().Training(
                new TextModel(language, new LibtorchBackend()),
                adapter,
                dropout,
                checkpointing: true
            );
            pass.Run(batch, null, 1);
            return OperatorCounter.Of(() => pass.Run(batch, null, 1));
        }

        int Layer(string name, bool fused) => Count(4, fused).GetValueOrDefault(name) - Count(3, fused).GetValueOrDefault(name);
        int All(bool fused) => Count(4, fused).Values.Sum() - Count(3, fused).Values.Sum();
        Assert.Equal((12, 0), (Layer("where", fused: false), Layer("native_dropout", fused: false)));
        Assert.Equal((4, 8), (Layer("where", fused: true), Layer("native_dropout", fused: true)));

        // Without the masks' own eight, which are drawn on the CPU by no operator.
        Assert.Equal(All(fused: false), All(fused: true));
    }

    /// <summary>Counted by what one more layer adds to one more token.</summary>
    [Fact]
    public void A_token_with_an_adapter_that_is_folded_in_asks_for_the_operators_of_the_base_alone()
    {
        int Count(string way, int layers, int tokens)
        {
            var language = Language(ScalarType.BFloat16, 4, bias: false, layers);
            using var adapter = Adapter("lora", language);
            var backend = new LibtorchBackend();
            var model = new TextModel(way == "merged" ? language.Merged(adapter.Updates()) : language, backend);
            var request = new GenerationRequest(Padded, null, tokens) { EndOfSequence = -1 };
            return OperatorCounter.Of(() => GreedyGenerator.Generate(model, request, way == "beside" ? adapter : null)).Values.Sum();
        }

        int Token(string way) => Count(way, 4, 5) - Count(way, 4, 4) - (Count(way, 3, 5) - Count(way, 3, 4));
        var (alone, merged, beside) = (Token("alone"), Token("merged"), Token("beside"));
        TestContext.Current.TestOutputHelper?.WriteLine($"A layer of a token: {alone} operators, {beside} with an adapter beside");
        Assert.Equal(alone, merged);

        // A product with A for each of four maps, and one with B for each of seven parts.
        Assert.Equal(alone + 11, beside);
    }

    [Fact]
    public void Indices_of_a_micro_batch_come_by_one_copy()
    {
        using var batch = SequenceBatch.Create(Padded, 0, 100, CPU);
        nint Place(Tensor tensor)
        {
            unsafe
            {
                return (nint)Models.Torch.TensorMemory.Bytes(tensor);
            }
        }

        Tensor[] all = [batch.TextIds, batch.Order, batch.LabelledRows, batch.Targets, batch.Sequences.Positions];
        for (var i = 1; i < all.Length; i++)
        {
            Assert.Equal(Place(all[i - 1]) + (8 * (nint)all[i - 1].numel()), Place(all[i]));
        }

        Assert.Equal([0, 6, 10], batch.Sequences.Starts.data<int>().ToArray());
    }

    [Fact]
    public void The_fused_norm_is_asked_for_as_libtorch_knows_it_and_agrees()
    {
        using var noGrad = no_grad();
        var (x, weight) = (randn(3, 8, generator: generator), randn(8, generator: generator));
        var (plain, factors) = RmsNorm.Plain(x, weight, 1e-5);
        var (fused, fusedFactors) = FusedRmsNorm.Forward(x, weight, 1e-5);
        Assert.InRange(Largest(plain - fused), 0, 1e-6);
        Assert.InRange(Largest(factors - fusedFactors), 0, 1e-6);
        Assert.False(FusedRmsNorm.Serves(x));
    }

    [Fact]
    public void Products_into_float32_sums_are_asked_for_as_libtorch_knows_them_and_left_alone_on_a_CPU()
    {
        Assert.True(WideProduct.IsKnown());
        Assert.False(WideProduct.Serves(zeros([1, 1], ScalarType.BFloat16)));

        // Known, and not computed there.
        var fault = Assert.ThrowsAny<ExternalException>(() =>
            WideProduct.Add(zeros(2, 2), zeros([2, 2], ScalarType.BFloat16), zeros([2, 2], ScalarType.BFloat16))
        );
        Assert.Contains("addmm.dtype_out", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_tower_asks_for_the_same_operators_for_many_pictures_as_for_one()
    {
        LlavaInitializer.Write(
            Directory.CreateDirectory(folder.Of("llava")).FullName,
            new LlavaConfig(
                new VisionConfig(16, 32, 3, 2, 16, 8, "quick_gelu", 1e-5),
                new DecoderConfig(32, 48, 1, 4, 2, 64, 1e-5, 10000, 128, false),
                -2,
                false
            ),
            63,
            1
        );
        using var model = LlavaCheckpoint.Load(folder.Of("llava"), ScalarType.BFloat16, CPU, _ => { });
        using var noGrad = no_grad();
        int Count(int pictures) => OperatorCounter.Of(() => model.Vision.Forward(zeros(pictures, 3, 16, 16))).Values.Sum();
        Assert.Equal(Count(1), Count(16));
        Assert.InRange(Count(1), 20, 200);
    }

    [Fact]
    public void Attention_of_variable_lengths_is_asked_for_as_libtorch_knows_it_and_left_alone_on_a_CPU()
    {
        Assert.True(VariableLengthAttention.IsKnown());
        Assert.False(VariableLengthAttention.Serves(CPU));
    }

    private static readonly TokenSequence[] Padded =
    [
        new([1, 4, 5, 6, 7, 2], [-100, -100, -100, 6, 7, 2]),
        new([1, 9, 8, 2], [-100, -100, 8, 2]),
    ];
    private static readonly TokenSequence[] Alone = [new([1, 4, 5, 6, 7, 2], [-100, -100, -100, 6, 7, 2])];

    private static float Largest(Tensor x) => x.abs().max().item<float>();

    private static Tensor Flat(List<Tensor> tensors) => cat([.. tensors.Select(tensor => tensor.flatten())]);

    private static (double Loss, List<Tensor> All) Gradients(
        DecoderModel language,
        IAdapter adapter,
        double probability,
        bool graph,
        bool checkpointing,
        IReadOnlyList<TokenSequence> rows,
        Func<Dropout, Tensor, (Tensor Values, Tensor Kept)>? fused = null
    )
    {
        foreach (var parameter in adapter.Parameters())
        {
            parameter.requires_grad_(true);
            parameter.grad?.zero_();
        }

        using var batch = SequenceBatch.Create(rows, 0, 100, CPU);
        var dropout = probability == 0 ? null : new Dropout(probability, CPU) { Fused = fused };
        dropout?.Seed(1);
        var backend = new LibtorchBackend(graph: graph);
        var loss = backend.Training(new TextModel(language, backend), adapter, dropout, checkpointing).Run(batch, null, 0.5).item<double>();
        return (loss, [.. adapter.Parameters().Select(parameter => (parameter.grad ?? zeros_like(parameter)).clone())]);
    }

    /// <summary>A decoder with random weights, the same in every type.</summary>
    private DecoderModel Language(ScalarType dtype, int keyValueHeads, bool bias, int layers = 2)
    {
        using var noGrad = no_grad();
        using var weights = new Generator(2, CPU);
        var config = new DecoderConfig(Size, Inner, layers, 4, keyValueHeads, Words, 1e-5, 10000, 128, false, bias);
        Tensor Random(params long[] shape) =>
            randn(shape, generator: weights)
                .mul_((shape.Length == 1 ? 0.5 : 0.2).ToScalar())
                .to(ScalarType.BFloat16)
                .to(ScalarType.Float32);
        var tensors = new Dictionary<string, Tensor>
        {
            ["model.embed_tokens.weight"] = Random(Words, Size),
            ["model.norm.weight"] = Random(Size),
            ["lm_head.weight"] = Random(Words, Size),
        };
        for (var i = 0; i < layers; i++)
        {
            var prefix = $"model.layers.{i}.";
            void Map(string name, long from, long to) => tensors[$"{prefix}{name}.weight"] = Random(to, from);
            Map("self_attn.q_proj", Size, Size);
            Map("self_attn.k_proj", Size, config.KeyValueSize);
            Map("self_attn.v_proj", Size, config.KeyValueSize);
            Map("self_attn.o_proj", Size, Size);
            Map("mlp.gate_proj", Size, Inner);
            Map("mlp.up_proj", Size, Inner);
            Map("mlp.down_proj", Inner, Size);
            tensors[$"{prefix}input_layernorm.weight"] = Random(Size);
            tensors[$"{prefix}post_attention_layernorm.weight"] = Random(Size);
            foreach (var (name, size) in bias ? new[] { ("q", Size), ("k", config.KeyValueSize), ("v", config.KeyValueSize) } : [])
            {
                tensors[$"{prefix}self_attn.{name}_proj.bias"] = Random(size);
            }
        }

        var file = folder.Of($"{dtype}-{keyValueHeads}-{bias}-{layers}.safetensors");
        SafetensorsWriter.Write(file, tensors);
        using var checkpoint = CheckpointFolder.Open(file);
        return new DecoderModel(checkpoint, "model.", "lm_head.weight", config, dtype, CPU);
    }

    /// <summary>An adapter that changes every map, B as well as A.</summary>
    private IAdapter Adapter(string kind, DecoderModel language)
    {
        using var noGrad = no_grad();
        var projector = new Projector([zeros(Size, 8), zeros(Size), zeros(Size, Size), zeros(Size)], ProjectorForm.Llava);
        var options = new LoraOptions
        {
            Rank = 4,
            Alpha = 8,
            TrainProjector = false,
            Targets = kind == "some maps" ? ["q_proj", "v_proj", "up_proj"] : null,
        };
        LoraAdapter Lora(long seed) => LoraAdapter.Initialize(language, projector, options, CPU, seed);
        IAdapter adapter = kind switch
        {
            "moelora" => MoeLoraAdapter.Initialize(language, projector, options, 2, CPU, 3),
            "one expert" => MoeLoraAdapter.Initialize(language, projector, options, 1, CPU, 3),
            "o-lora" => new OLoraAdapter(Lora(3), Lora(4)),
            "unknown" => new Unknown(Lora(3)),
            _ => Lora(3),
        };
        using var numbers = new Generator(5, CPU);
        foreach (
            var parameter in adapter.UpdateParameters().Concat(kind == "o-lora" ? ((OLoraAdapter)adapter).Earlier!.UpdateParameters() : [])
        )
        {
            parameter.add_(randn(parameter.shape, generator: numbers).mul_(0.1.ToScalar()));
        }

        return adapter;
    }

    /// <summary>LoRA that no backend recognizes.</summary>
    private sealed class Unknown(LoraAdapter lora) : IAdapter, IDecoderUpdates, ILayerUpdates
    {
        private IDecoderUpdates updates = lora.Updates();
        private ILayerUpdates layer = null!;

        public Projector? Projector => null;

        public bool CanMerge => false;

        public ILinearUpdate? Qkv => new Update(layer.Qkv!);

        public ILinearUpdate? Output => new Update(layer.Output!);

        public ILinearUpdate? GateUp => new Update(layer.GateUp!);

        public ILinearUpdate? Down => new Update(layer.Down!);

        public IDecoderUpdates Updates(Dropout? dropout = null)
        {
            updates = lora.Updates(dropout);
            return this;
        }

        public ILayerUpdates Layer(int number)
        {
            layer = updates.Layer(number);
            return this;
        }

        public IEnumerable<Tensor> UpdateParameters() => lora.UpdateParameters();

        public IEnumerable<Tensor> Parameters() => lora.Parameters();

        public IEnumerable<(string Name, Tensor Tensor)> Named(Func<Tensor, Tensor>? of = null) => lora.Named(of);

        public void Write(string folder, double dropout, string baseModel) => throw new NotSupportedException();

        public void Dispose() => lora.Dispose();

        private sealed class Update(ILinearUpdate inner) : ILinearUpdate
        {
            public Tensor[] AddTo(Tensor[] outputs, Tensor x) => inner.AddTo(outputs, x);

            public Tensor Merge(Linear linear) => throw new NotSupportedException();
        }
    }
}
