using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Learning;
using CoIN.Benchmark.Methods;
using CoIN.Models.Learning;

namespace CoIN.Models.Tests.Support;

/// <summary>A family whose samples may have several pictures, through the program's own learners.</summary>
public abstract class ManyPictureSessionTests : IDisposable
{
    private readonly LearnerFactory factory = new(_ => { });

    /// <param name="sizes">Of four pictures, <c>0.png</c> and so on.</param>
    protected ManyPictureSessionTests(IReadOnlyList<(int Width, int Height)> sizes)
    {
        foreach (var (i, (width, height)) in sizes.Index())
        {
            File.WriteAllBytes(Folder.Of($"{i}.png"), ImageBytes.Plain(width, height, (byte)(60 * i)));
        }
    }

    private protected TemporaryFolder Folder { get; } = new();

    private protected LearnerFactory Factory => factory;

    /// <summary>Of one task, with samples of <see cref="Samples"/>.</summary>
    private protected abstract ExperimentOptions Options();

    private protected abstract IReadOnlyList<TestSample> Questions { get; }

    public void Dispose()
    {
        factory.Dispose();
        Folder.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Two stages: the second one in one go, and interrupted.</summary>
    [Theory]
    [InlineData("sequential-lora")]
    [InlineData("moelora")]
    [InlineData("ewc")]
    [InlineData("lwf")]
    [InlineData("replay")]
    [InlineData("ema")]
    [InlineData("o-lora")]
    public void Every_method_trains_it_and_goes_on_from_a_checkpoint_to_the_same_bits(string method)
    {
        object? own = method switch
        {
            "ewc" => new EwcOptions { Samples = 2, Lambda = 10 },
            "lwf" => new LwfOptions { Samples = 2, PerStep = 2 },
            "replay" => new ReplayOptions { Samples = 2 },
            _ => null,
        };
        var options = Options() with { Method = method, MethodOptions = own is null ? null : MethodOptions.Of(method, own) };
        Train(options, 1, "first", 2);
        Train(options, 2, "whole", 4, adapter: "first");
        Train(options, 2, "part", 2, adapter: "first");
        Train(options, 2, "resumed", 4, adapter: "first", checkpoint: "part-checkpoint");
        Assert.Equal(Weights("whole"), Weights("resumed"));
        Assert.NotEqual(Weights("first"), Weights("whole"));
    }

    [Fact]
    public void Answers_are_the_same_one_by_one_in_a_batch_and_with_the_adapter_merged_into_a_model()
    {
        Train(Options(), 1, "adapter", 4);
        var together = Answers(Options(), "adapter", Questions);
        Assert.Equal(together, Questions.SelectMany(question => Answers(Options(), "adapter", [question])));
        Assert.NotEqual(together, Answers(Options(), null, Questions));

        ModelMerge.Write(Folder.Of("adapter"), Options().Model, Folder.Of("merged"), null, _ => { });
        Assert.Equal(together, Answers(Options() with { Model = Options().Model with { Path = Folder.Of("merged") } }, null, Questions));
    }

    private protected static List<TrainingSample> Samples() =>
        [
            .. Enumerable
                .Range(0, 6)
                .Select(i =>
                    i switch
                    {
                        2 => new TrainingSample("s2", null, [new("human", "a b"), new("gpt", "c")]),
                        3 => new TrainingSample("s3", "0.png", [new("human", "<image>\na or <image>\nb"), new("gpt", "or")])
                        {
                            FurtherImages = ["3.png"],
                        },
                        _ => new TrainingSample($"s{i}", $"{i % 4}.png", [new("human", "<image>\na b"), new("gpt", $"{"abcdef"[i]}er")]),
                    }
                ),
        ];

    private protected byte[] Weights(string name) => File.ReadAllBytes(Folder.Of(name, AdapterFiles.Weights));

    private protected List<string> Answers(ExperimentOptions options, string? adapter, IReadOnlyList<TestSample> questions)
    {
        using var learner = factory.Open(options, "cpu", 1);
        using var session = learner.OpenGeneration(adapter is null ? null : Folder.Of(adapter));
        return [.. session.Answer(questions, 6).Select(answer => answer.Text)];
    }

    private protected void Train(
        ExperimentOptions options,
        int stage,
        string name,
        int steps,
        string? adapter = null,
        string? checkpoint = null
    )
    {
        using var learner = factory.Open(options, "cpu", 1);
        using var session = learner.OpenTraining(
            new StageTraining(
                stage,
                $"{stage}",
                2,
                Samples(),
                adapter is null ? null : Folder.Of(adapter),
                checkpoint is null ? null : Folder.Of(checkpoint)
            )
        );
        while (session.Step < steps)
        {
            session.NextStep();
        }

        session.SaveCheckpoint(Directory.CreateDirectory(Folder.Of($"{name}-checkpoint")).FullName);
        session.SaveAdapter(Directory.CreateDirectory(Folder.Of(name)).FullName);
    }
}
