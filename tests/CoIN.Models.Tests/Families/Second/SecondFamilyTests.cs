using CoIN.Benchmark;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Learning;
using CoIN.Models.Checkpoints;
using CoIN.Models.Learning;
using CoIN.Models.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Families.Second;

/// <summary>Another family through the program's own learners: a family is one class and the line that names it.</summary>
public sealed class SecondFamilyTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly LearnerFactory factory = new(_ => { }, _ => new SecondFamily());

    public SecondFamilyTests()
    {
        WriteModel();
        File.WriteAllBytes(folder.Of("a.png"), ImageBytes.Plain(20, 16, 40));
    }

    public void Dispose()
    {
        factory.Dispose();
        scope.Dispose();
        folder.Dispose();
    }

    [Fact]
    public void Training_looks_at_no_more_pictures_together_than_the_model_wants()
    {
        List<TrainingSample> samples =
        [
            .. Enumerable
                .Range(0, 5)
                .Select(i => new TrainingSample($"{i}", "a.png", [new Turn("human", "<image>\na b"), new Turn("gpt", "c d e")])),
        ];
        (IReadOnlyList<long> Looks, double Loss) Train(int together)
        {
            var family = new SecondFamily(together);
            using var own = new LearnerFactory(_ => { }, _ => family);
            using var learner = own.Open(Options(), "cpu", 1);
            using var training = learner.OpenTraining(new StageTraining(1, "T", 5, samples, null, null));
            var loss = training.NextStep().Loss;
            return (family.Looks, loss);
        }

        var (all, few) = (Train(5), Train(2));
        Assert.Equal([5], all.Looks);
        Assert.Equal([2, 2, 1], few.Looks);
        Assert.Equal(all.Loss, few.Loss, 1e-5);
    }

    [Fact]
    public void It_is_trained_and_answers_like_any_other()
    {
        var options = Options();
        using var learner = factory.Open(options, "cpu", 1);
        List<TrainingSample> samples =
        [
            new("1", "a.png", [new Turn("human", "<image>\na b"), new Turn("gpt", "c d e")]),
            new("2", null, [new Turn("human", "f"), new Turn("gpt", "g h g h")]),
        ];
        using var training = learner.OpenTraining(new StageTraining(1, "T", 2, samples, null, null));
        var losses = Enumerable.Range(0, training.TotalSteps).Select(_ => training.NextStep().Loss).ToList();
        Assert.InRange(losses[^1], 0, losses[0] - 0.5);

        var adapter = Directory.CreateDirectory(folder.Of("adapter")).FullName;
        training.SaveAdapter(adapter);
        List<TestSample> questions = [new("1", "a.png", "a b", "c"), new("2", null, "f", "g")];
        var answers = new[] { null, adapter }
            .Select(of =>
            {
                using var session = learner.OpenGeneration(of);
                return session.Answer(questions, 8).Select(prediction => prediction.Text).ToList();
            })
            .ToList();
        Assert.Equal(2, answers[1].Count);
        Assert.NotEqual(answers[0], answers[1]);
    }

    [Fact]
    public void A_family_that_does_not_hold_its_maps_in_four_bits_is_refused_by_name()
    {
        var options = new ExperimentOptions
        {
            Name = "second",
            Tasks = [],
            Data = new DataOptions { Instructions = "", Images = folder.Path },
            Model = new ModelOptions
            {
                Path = folder.Path,
                Conversation = "vicuna_v1_no_system",
                Quantization = BaseQuantization.Nf4,
            },
        };
        var message = Assert.Throws<CoinException>(() => factory.Open(options, "cpu", 1)).Message;
        Assert.Contains("model.quantization is nf4", message, StringComparison.Ordinal);
        Assert.Contains(new SecondFamily().Name, message, StringComparison.Ordinal);
    }

    private ExperimentOptions Options() =>
        new()
        {
            Name = "second",
            Tasks =
            [
                new TaskOptions
                {
                    Name = "T",
                    Folder = "",
                    Scorer = "gqa",
                },
            ],
            Data = new DataOptions { Instructions = "", Images = folder.Path },
            Model = new ModelOptions
            {
                Path = folder.Path,
                Conversation = "vicuna_v1_no_system",
                MaxLength = 120,
            },
            Lora = new LoraOptions { Rank = 4, Alpha = 8 },
            Training = new TrainingOptions
            {
                LearningRate = 1e-2,
                WarmupRatio = 0,
                BatchSize = 2,
                MaxSteps = 12,
            },
        };

    private void WriteModel()
    {
        using var generator = new Generator(1, CPU);
        var weights = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        void Add(string name, params long[] shape) => weights[name] = randn(shape, generator: generator) * 0.2;
        void Norm(string name, long size)
        {
            weights[$"{name}.weight"] = ones(size);
            weights[$"{name}.bias"] = zeros(size);
        }

        void Map(string name, long outputs, long inputs)
        {
            Add($"{name}.weight", outputs, inputs);
            Add($"{name}.bias", outputs);
        }

        var (vision, text) = (SecondFamily.Vision, SecondFamily.Text);
        Add("visual.embeddings.patch_embedding.weight", 16, 3, 8, 8);
        Add("visual.embeddings.position_embedding.weight", vision.Positions, 16);
        Norm("visual.pre_layrnorm", 16);
        for (var i = 0; i < vision.Layers; i++)
        {
            var layer = $"visual.encoder.layers.{i}.";
            Norm($"{layer}layer_norm1", 16);
            Norm($"{layer}layer_norm2", 16);
            foreach (var name in new[] { "q_proj", "k_proj", "v_proj", "out_proj" })
            {
                Map($"{layer}self_attn.{name}", 16, 16);
            }

            Map($"{layer}mlp.fc1", 32, 16);
            Map($"{layer}mlp.fc2", 16, 32);
        }

        Map("bridge.0", 32, 16);
        Map("bridge.1", 32, 32);
        Add("transformer.wte.weight", text.VocabularySize, 32);
        Add("lm_head.weight", text.VocabularySize, 32);
        weights["transformer.ln_f.weight"] = ones(32);
        for (var i = 0; i < text.Layers; i++)
        {
            var layer = $"transformer.h.{i}.";
            weights[$"{layer}ln_1.weight"] = ones(32);
            weights[$"{layer}ln_2.weight"] = ones(32);
            Map($"{layer}attn.c_attn", 32 + (2 * text.KeyValueSize), 32);
            Add($"{layer}attn.c_proj.weight", 32, 32);
            Add($"{layer}mlp.w1.weight", 48, 32);
            Add($"{layer}mlp.w2.weight", 48, 32);
            Add($"{layer}mlp.w3.weight", 32, 48);
        }

        SafetensorsWriter.Write(folder.Of("second.safetensors"), weights);
        TinyLlava.WriteSettings(folder.Path, folder.Path);
    }
}
