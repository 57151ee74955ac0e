using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Learning;
using CoIN.Models.Adapters.Lora;
using CoIN.Models.Adapters.Peft;
using CoIN.Models.Learning;
using CoIN.Models.Tests.Support;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Families.MiniGptV2;

/// <summary>Training and answering through the interfaces of the benchmark, samples with and without pictures.</summary>
public sealed class MiniGptSessionTests : IDisposable
{
    private static readonly TaskOptions Task = TinyRun.Task;

    private readonly TemporaryFolder folder = new();
    private readonly List<string> warnings = [];
    private readonly LearnerFactory factory;

    public MiniGptSessionTests()
    {
        factory = new LearnerFactory(warnings.Add);
        TinyMiniGpt.Write(folder.Of("model"));
        for (var i = 0; i < 3; i++)
        {
            File.WriteAllBytes(folder.Of($"{i}.png"), ImageBytes.Plain(20, 16, (byte)(80 * i)));
        }
    }

    public void Dispose()
    {
        factory.Dispose();
        folder.Dispose();
    }

    [Fact]
    public void Training_from_a_checkpoint_ends_with_the_bytes_of_training_without_one()
    {
        Train("whole", 4, null);
        Train("half", 2, null);
        Train("rest", 4, folder.Of("half-checkpoint"));
        foreach (var file in Directory.GetFiles(folder.Of("whole")))
        {
            Assert.Equal(File.ReadAllBytes(file), File.ReadAllBytes(folder.Of("rest", Path.GetFileName(file))));
        }

        Assert.NotEqual(
            File.ReadAllBytes(folder.Of("whole", AdapterFiles.Weights)),
            File.ReadAllBytes(folder.Of("half", AdapterFiles.Weights))
        );
        Assert.Empty(warnings);
    }

    [Fact]
    public void Answers_do_not_depend_on_the_batch_with_and_without_pictures()
    {
        using var learner = factory.Open(Options, "cpu", 1);
        using var session = learner.OpenGeneration(WriteAdapter(2));
        var questions = Questions();
        session.Prepare(questions);
        var together = session.Answer(questions, Task.MaxNewTokens);
        Assert.Equal(together, questions.SelectMany(question => session.Answer([question], Task.MaxNewTokens)));
        Assert.True(together.Select(answer => answer.Text).Distinct().Count() > 1, "All answers are the same.");
    }

    [Fact]
    public void Adapters_answer_with_another_alpha_where_that_is_wanted()
    {
        var adapter = WriteAdapter(8);
        var own = Answers(Options, adapter);
        Assert.Equal(own, Answers(Options with { Evaluation = new() { LoraAlpha = Options.Lora.Alpha } }, adapter));
        var none = Answers(Options with { Evaluation = new() { LoraAlpha = 1e-12 } }, adapter);
        Assert.NotEqual(own, none);
        Assert.Equal(Answers(Options, null), none);
    }

    private ExperimentOptions Options =>
        new()
        {
            Name = "test",
            Tasks = [Task],
            Data = new() { Instructions = folder.Path, Images = folder.Path },
            Model = new() { Path = folder.Of("model"), MaxLength = 128 },
            Lora = new()
            {
                Rank = 4,
                Alpha = 8,
                Dropout = 0.1,
                Targets = ["q_proj", "v_proj"],
                TrainProjector = true,
            },
            Training = new()
            {
                BatchSize = 2,
                MaxSteps = 4,
                WarmupRatio = 0,
                LearningRate = 1e-2,
                WeightDecay = 0.05,
            },
        };

    private static List<TestSample> Questions() =>
        [
            .. Enumerable
                .Range(0, 6)
                .Select(i => new TestSample($"{i}", i % 2 == 0 ? $"{i / 2}.png" : null, new string((char)('a' + i), i + 1), "a")),
        ];

    private List<Prediction> Answers(ExperimentOptions options, string? adapter)
    {
        using var learner = factory.Open(options, "cpu", 1);
        using var session = learner.OpenGeneration(adapter);
        return [.. session.Answer(Questions(), Task.MaxNewTokens)];
    }

    /// <summary>An adapter without a projector whose matrices are large.</summary>
    private string WriteAdapter(double size)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var generator = new Generator(3, CPU);
        using var model = TinyMiniGpt.Load(folder.Of("model"));
        using var adapter = LoraAdapter.Initialize(model.Language, model.Projector, Options.Lora with { TrainProjector = false }, CPU, 2);
        foreach (var tensor in adapter.Parameters())
        {
            tensor.add_(normal(0, size, tensor.shape, generator: generator));
        }

        PeftFolder.Write(Directory.CreateDirectory(folder.Of("adapter")).FullName, adapter, 0, "base");
        return folder.Of("adapter");
    }

    private void Train(string name, int steps, string? checkpoint)
    {
        List<TrainingSample> samples =
        [
            .. Enumerable
                .Range(0, 5)
                .Select(i => new TrainingSample(
                    $"s{i}",
                    i < 3 ? $"{i}.png" : null,
                    [new Turn("human", i < 3 ? "<image>\nab" : "abc"), new Turn("gpt", "abcdef"[..(i + 1)])]
                )),
        ];
        using var learner = factory.Open(Options, "cpu", 1);
        using var session = learner.OpenTraining(new StageTraining(1, Task.Name, 2, samples, null, checkpoint));
        while (session.Step < steps)
        {
            session.Next();
        }

        session.SaveCheckpoint(Directory.CreateDirectory(folder.Of($"{name}-checkpoint")).FullName);
        if (steps == session.TotalSteps)
        {
            session.SaveAdapter(Directory.CreateDirectory(folder.Of(name)).FullName);
        }
        else
        {
            Directory.CreateDirectory(folder.Of(name));
            File.Copy(folder.Of($"{name}-checkpoint", "state.safetensors"), folder.Of(name, AdapterFiles.Weights));
        }
    }
}
