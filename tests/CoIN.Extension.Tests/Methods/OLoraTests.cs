using System.Globalization;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Learning;
using CoIN.Benchmark.Methods;
using CoIN.Extension.Tests.Support;
using CoIN.Models.Adapters;
using CoIN.Models.Adapters.Lora;
using CoIN.Models.Adapters.MoeLora;
using CoIN.Models.Adapters.OLora;
using CoIN.Models.Adapters.Peft;
using CoIN.Models.Checkpoints;
using CoIN.Models.Computing;
using CoIN.Models.Methods;
using CoIN.Models.Modules;
using CoIN.Models.Tests.Golden;
using Newtonsoft.Json.Linq;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Extension.Tests.Methods;

public sealed class OLoraTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly TinyStage tiny = new();

    public static TheoryData<double, bool> Norms { get; } =
        new MatrixTheoryData<double, bool>([.. GoldenLlama.Meta["olora"]!["lambda2"]!.Select(one => (double)one)], [false, true]);

    public void Dispose()
    {
        tiny.Dispose();
        scope.Dispose();
    }

    [Theory]
    [MemberData(nameof(Norms))]
    public void Logits_losses_gradients_and_steps_are_the_official_codes(double lambda2, bool kernels)
    {
        using var golden = new GoldenLlama(kernels);
        var earlier = Earlier(golden);
        var options = new OLoraOptions { Lambda1 = (double)GoldenLlama.Meta["olora"]!["lambda1"]!, Lambda2 = lambda2 };
        var name = $"official_lambda2_{(lambda2 == 0 ? "0" : lambda2.ToString(CultureInfo.InvariantCulture))}";
        using (var adapter = new OLoraAdapter(Read(golden, Of("olora_new")), Read(golden, earlier)))
        {
            AssertLoss(golden, adapter, options, name);
        }

        var steps = (int)GoldenLlama.Meta["adamw"]!["steps"]!;
        var folder = golden.Train("final", new OLora(options), "new", earlier, steps, stage: 3, kind: new Begun());
        using var found = new SafetensorsFile(Path.Combine(folder, AdapterFiles.Weights));
        using var before = new SafetensorsFile(Path.Combine(earlier, AdapterFiles.Weights));
        var off = new List<Tensor>();
        foreach (var (key, value) in GoldenLlama.Expected("olora.safetensors", $"{name}.final."))
        {
            var (dimension, held) = (PeftFolder.IsA(key) ? 0 : 1, before.Read(key));
            var whole = found.Read(key);
            var size = held.shape[dimension];
            Assert.True(whole.narrow(dimension, 0, size).equal(held).all().item<bool>());
            off.Add((whole.narrow(dimension, size, whole.shape[dimension] - size) - value).abs().flatten());
        }

        var all = cat([.. off]);
        Assert.InRange(all.max().item<float>(), 0, 0.02f);
        Assert.InRange(all.gt(1e-4).to(ScalarType.Float64).mean().item<double>(), 0, 0.001);
    }

    [Fact]
    public void Its_files_are_those_of_one_LoRA_that_answers_the_same()
    {
        using var golden = new GoldenLlama(false);
        using var noGrad = no_grad();
        using var batch = golden.Batch("new");
        using var adapter = new OLoraAdapter(Read(golden, Of("olora_new")), Read(golden, Earlier(golden)));
        var folder = Directory.CreateDirectory(golden.Folder.Of("written")).FullName;
        adapter.Write(folder, 0, "golden");
        using var read = Read(golden, folder);
        Assert.Equal((adapter.Rank, adapter.Task.Scaling), (read.Rank, read.Scaling));
        var difference = GoldenFolder.Difference(Logits(golden, adapter, batch), Logits(golden, read, batch));
        Assert.InRange(difference, 0, 1e-5);
        var linear = golden.Model.Language.Layers[0].GateUp;
        Assert.InRange(
            GoldenFolder.Difference(adapter.Updates().Layer(0).GateUp!.Merge(linear), read.Updates().Layer(0).GateUp!.Merge(linear)),
            0,
            1e-5
        );
    }

    [Fact]
    public void The_first_task_is_LoRA_and_every_further_one_begins_with_matrices_of_its_own_rank()
    {
        Train("plain", null, null);
        Train("one", new OLora(new OLoraOptions()), null);
        Assert.Equal(tiny.Contents("plain")[AdapterFiles.Weights], tiny.Contents("one")[AdapterFiles.Weights]);
        Assert.Equal(tiny.Contents("plain")[AdapterFiles.Projector], tiny.Contents("one")[AdapterFiles.Projector]);
        Train("two", new OLora(new OLoraOptions()), "one", stage: 2);
        Train("three", new OLora(new OLoraOptions()), "two", stage: 3);
        var config = JObject.Parse(File.ReadAllText(tiny.Folder.Of("three", AdapterFiles.Config)));
        Assert.Equal((12, 24), ((int)config["r"]!, (int)config["lora_alpha"]!));
        var (one, two, three) = (Weights("one"), Weights("two"), Weights("three"));
        foreach (var (name, value) in three)
        {
            var dimension = PeftFolder.IsA(name) ? 0 : 1;
            Assert.True(value.narrow(dimension, 0, 8).equal(two[name]).all().item<bool>());
            Assert.True(value.narrow(dimension, 0, 4).equal(one[name]).all().item<bool>());
            Assert.False(value.narrow(dimension, 8, 4).equal(value.narrow(dimension, 4, 4)).all().item<bool>());
            Assert.True(value.narrow(dimension, 8, 4).abs().max().item<float>() > 0);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_new_A_turns_away_from_the_earlier_ones_the_more_the_larger_the_weight_is(bool kernels)
    {
        Train("one", new OLora(new OLoraOptions()), null, kernels: kernels);
        var leaning = new List<double>();
        foreach (var lambda in new[] { 0, 0.01, 10 })
        {
            Train($"with-{lambda}", new OLora(new OLoraOptions { Lambda1 = lambda }), "one", stage: 2, kernels: kernels);
            leaning.Add(
                Weights($"with-{lambda}")
                    .Where(pair => PeftFolder.IsA(pair.Key))
                    .Sum(pair => (double)pair.Value.narrow(0, 0, 4).matmul(pair.Value.narrow(0, 4, 4).t()).abs().sum().item<float>())
            );
        }

        Assert.True(leaning[0] > leaning[1] && leaning[1] > leaning[2], string.Join(" > ", leaning));
    }

    [Fact]
    public void A_LoRA_of_any_rank_and_alpha_counts_as_earlier_tasks_and_another_kind_is_refused()
    {
        var lora = tiny.Options.Lora with { Rank = 6, Alpha = 3, TrainProjector = false };
        tiny.Train("given", 3, false, null, tiny.Options with { Lora = lora });
        Train("two", new OLora(new OLoraOptions()), "given", stage: 1);
        var config = JObject.Parse(File.ReadAllText(tiny.Folder.Of("two", AdapterFiles.Config)));
        Assert.Equal((10, 20), ((int)config["r"]!, (int)config["lora_alpha"]!));
        var (given, two) = (Weights("given"), Weights("two"));
        foreach (var (name, value) in given)
        {
            // 3/6 of before is a quarter of 8/4.
            var kept = two[name].narrow(PeftFolder.IsA(name) ? 0 : 1, 0, 6);
            Assert.InRange(GoldenFolder.Difference(PeftFolder.IsA(name) ? value : value * 0.25, kept), 0, 1e-7);
        }

        tiny.Train("mixture", 1, false, null, kind: new MoeLoraKind(2));
        Assert.Contains("a MoELoRA adapter, but", Refused("mixture", tiny.Options), StringComparison.Ordinal);
        tiny.Train("projected", 1, false, null);
        Assert.Contains(
            "lora.train-projector is false",
            Refused("projected", tiny.Options with { Lora = tiny.Options.Lora with { TrainProjector = false } }),
            StringComparison.Ordinal
        );

        string Refused(string adapter, ExperimentOptions options) =>
            Assert.Throws<CoinException>(() => tiny.Open(false, null, options, adapter: adapter, kind: new OLoraKind())).Message;
    }

    private static string Of(string adapter) => GoldenFolder.Of("methods-llama", adapter);

    private static LoraAdapter Read(GoldenLlama golden, string folder) =>
        PeftFolder.Read(folder, golden.Model.Language, golden.Model.Projector);

    /// <summary>Both earlier tasks as one adapter.</summary>
    private static string Earlier(GoldenLlama golden)
    {
        var folder = Directory.CreateDirectory(golden.Folder.Of("earlier")).FullName;
        using LoraAdapter one = Read(golden, Of("star1")),
            two = Read(golden, Of("olora_prev2"));
        PeftFolder.Write(folder, [one, two], 0, "golden");
        return folder;
    }

    private static Tensor Logits(GoldenLlama golden, IAdapter adapter, Models.Sequences.SequenceBatch batch)
    {
        using var states = golden.Model.Backend.Training(golden.Model, adapter, null, false).Forward(batch, null);
        return states.Logits(0, batch.Targets.size(0));
    }

    private static void AssertLoss(GoldenLlama golden, OLoraAdapter adapter, OLoraOptions options, string name)
    {
        using var batch = golden.Batch("new");
        foreach (var parameter in adapter.Parameters())
        {
            parameter.requires_grad_(true);
        }

        var expected = GoldenFolder.Tensors("methods-llama", "olora.safetensors");
        using (no_grad())
        {
            Assert.InRange(GoldenFolder.Difference(expected["official.logits_at_labels"], Logits(golden, adapter, batch)), 0, 1e-4);
        }

        var loss = golden.Model.Backend.Training(golden.Model, adapter, null, false).Run(batch, null, 1).item<double>();
        Assert.Equal((double)GoldenFolder.Json("methods-llama", "scalars.json")[$"olora_{name}"]!["ce"]!, loss, 1e-3);
        using var method = new OLora(options)
        {
            Parameters = TrainedParameter.Of(adapter),
            Frozen = adapter.Frozen().ToDictionary(pair => pair.Name, pair => pair.Tensor),
        };
        using (no_grad())
        {
            method.AddGradients();
        }

        var gradients = GoldenLlama.Expected("olora.safetensors", $"{name}.grad.");
        Assert.Equal(gradients.Keys.Order(StringComparer.Ordinal), method.Parameters.Select(one => one.Name).Order(StringComparer.Ordinal));
        Assert.All(method.Parameters, one =>
            Assert.InRange(
                GoldenFolder.Difference(gradients[one.Name], one.Gradient),
                0,
                1e-4 + (1e-4 * gradients[one.Name].abs().max().item<float>())
            )
        );
    }

    private Dictionary<string, Tensor> Weights(string folder) => tiny.Tensors(folder, AdapterFiles.Weights);

    private void Train(string name, TrainingMethod? method, string? adapter, int stage = 1, bool kernels = false) =>
        tiny.Train(name, 3, kernels, method, stage: stage, adapter: adapter, kind: method is null ? null : new OLoraKind());

    /// <summary>O-LoRA whose new matrices begin as the golden ones.</summary>
    private sealed class Begun : IAdapterKind
    {
        private readonly OLoraKind kind = new();

        public string Name => kind.Name;

        public bool Recognizes(string folder) => kind.Recognizes(folder);

        public bool Continues(IAdapterKind files) => kind.Continues(files);

        public void Check(string folder) => kind.Check(folder);

        public IAdapter Initialize(DecoderModel language, Projector projector, LoraOptions options, Device device, long seed) =>
            throw new NotSupportedException();

        public IAdapter Read(string folder, DecoderModel language, Projector projector) => kind.Read(folder, language, projector);

        public IAdapter ReadToTrain(string folder, DecoderModel language, Projector projector, LoraOptions options, long seed)
        {
            var adapter = kind.ReadToTrain(folder, language, projector, options, seed);
            using var begun = PeftFolder.Read(Of("olora_new"), language, projector);
            foreach (var (to, from) in adapter.Parameters().Zip(begun.Parameters()))
            {
                to.copy_(from);
            }

            return adapter;
        }
    }
}
