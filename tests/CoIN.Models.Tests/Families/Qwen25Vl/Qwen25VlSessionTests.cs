using CoIN.Benchmark;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Learning;
using CoIN.Benchmark.Methods;
using CoIN.Models.Checkpoints;
using CoIN.Models.Learning;
using CoIN.Models.Planning;
using CoIN.Models.Tests.Golden;
using CoIN.Models.Tests.Support;
using SkiaSharp;

namespace CoIN.Models.Tests.Families.Qwen25Vl;

/// <summary>Qwen2.5-VL through the program's own learners, with pictures of unlike sizes.</summary>
public sealed class Qwen25VlSessionTests : IDisposable
{
    private static readonly (int Width, int Height)[] Sizes = [(56, 56), (112, 84), (60, 200), (150, 40)];

    private static readonly List<TestSample> Questions =
    [
        new("1", "0.png", "What a?", "a"), new("2", null, "b", "b"), new("3", "1.png", "Which of both <image> a <image> b is this?", "c") { FurtherImages = ["2.png"] },
        new("4", "1.png", "And this?", "d"), new("5", "1.png", "Or that?", "e"),
    ];

    private readonly TemporaryFolder folder = new();
    private readonly LearnerFactory factory = new(_ => { });

    public Qwen25VlSessionTests()
    {
        foreach (var (i, (width, height)) in Sizes.Index())
        {
            using var bitmap = new SKBitmap(width, height);
            bitmap.Erase(new SKColor((byte)(60 * i), 100, 200));
            using var png = bitmap.Encode(SKEncodedImageFormat.Png, 100);
            File.WriteAllBytes(folder.Of($"{i}.png"), png.ToArray());
        }
    }

    public void Dispose()
    {
        factory.Dispose();
        folder.Dispose();
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

        ModelMerge.Write(folder.Of("adapter"), Options().Model, folder.Of("merged"), null, _ => { });
        Assert.Equal(together, Answers(Options() with { Model = Options().Model with { Path = folder.Of("merged") } }, null, Questions));
    }

    [Fact]
    public void A_picture_that_leaves_no_room_for_its_question_is_refused_by_its_sample()
    {
        var fault = Assert.Throws<CoinException>(() => Answers(Options() with { Model = Options().Model with { MaxLength = 12 } }, null, [Questions[3]]));
        Assert.Contains("Sample 4: its pictures (1.png) take 12 positions", fault.Message, StringComparison.Ordinal);
        Assert.Contains("model.max-pixels", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Fewer_pixels_make_pictures_smaller()
    {
        var options = Options() with { Model = Options().Model with { MaxPixels = 56 * 56 } };
        var view = SampleRenderer.Open(options.Model, folder.Path).Render(Questions[3]);
        Assert.Equal(2, view.ImageTokens);
        Assert.Equal(12, SampleRenderer.Open(Options().Model, folder.Path).Render(Questions[3]).ImageTokens);
    }

    [Fact]
    public void The_plan_counts_the_positions_that_its_pictures_have()
    {
        long Largest(ExperimentOptions options) => Assert.Single(ExperimentPlanner.Plan(options, "cpu", 1, _ => Samples()).Stages).LargestMicroBatch;

        var small = Options() with { Model = Options().Model with { MaxPixels = 56 * 56 } };
        Assert.True(Largest(Options()) > Largest(small), "larger pictures have more positions");
    }

    private static List<TrainingSample> Samples() =>
    [
        .. Enumerable.Range(0, 6).Select(i => i switch
        {
            2 => new TrainingSample("s2", null, [new("human", "a b"), new("gpt", "c")]),
            3 => new TrainingSample("s3", "0.png", [new("human", "<image>\na or <image>\nb"), new("gpt", "or")]) { FurtherImages = ["3.png"] },
            _ => new TrainingSample($"s{i}", $"{i % 4}.png", [new("human", "<image>\na b"), new("gpt", $"{"abcdef"[i]}er")]),
        }),
    ];

    private ExperimentOptions Options() => new()
    {
        Name = "t",
        Tasks = [new TaskOptions { Name = "T", Folder = "t", Scorer = "gqa" }],
        Data = new DataOptions { Instructions = "", Images = folder.Path },
        Model = new ModelOptions { Path = GoldenFolder.Of("qwen2.5-vl-tiny", "model"), MaxLength = 512 },
        Lora = new LoraOptions { Rank = 4, Alpha = 8, Dropout = 0.1, TrainProjector = false },
        Training = new TrainingOptions { LearningRate = 1e-2, BatchSize = 2, MaxSteps = 4 },
    };

    private byte[] Weights(string name) => File.ReadAllBytes(folder.Of(name, AdapterFiles.Weights));

    private List<string> Answers(ExperimentOptions options, string? adapter, IReadOnlyList<TestSample> questions)
    {
        using var learner = factory.Open(options, "cpu", 1);
        using var session = learner.OpenGeneration(adapter is null ? null : folder.Of(adapter));
        return [.. session.Answer(questions, 6).Select(answer => answer.Text)];
    }

    private void Train(ExperimentOptions options, int stage, string name, int steps, string? adapter = null, string? checkpoint = null)
    {
        using var learner = factory.Open(options, "cpu", 1);
        using var session = learner.OpenTraining(new StageTraining(
            stage, $"{stage}", 2, Samples(), adapter is null ? null : folder.Of(adapter), checkpoint is null ? null : folder.Of(checkpoint)));
        while (session.Step < steps)
        {
            session.NextStep();
        }

        session.SaveCheckpoint(Directory.CreateDirectory(folder.Of($"{name}-checkpoint")).FullName);
        session.SaveAdapter(Directory.CreateDirectory(folder.Of(name)).FullName);
    }
}
