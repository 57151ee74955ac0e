using CoIN.Benchmark;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Models.Learning;
using CoIN.Models.Planning;
using CoIN.Models.Tests.Golden;
using CoIN.Models.Tests.Support;

namespace CoIN.Models.Tests.Families.Qwen25Vl;

/// <summary>Qwen2.5-VL through the program's own learners, with pictures of unlike sizes.</summary>
public sealed class Qwen25VlSessionTests() : ManyPictureSessionTests([(56, 56), (112, 84), (60, 200), (150, 40)])
{
    private protected override IReadOnlyList<TestSample> Questions { get; } =
    [
        new("1", "0.png", "What a?", "a"),
        new("2", null, "b", "b"),
        new("3", "1.png", "Which of both <image> a <image> b is this?", "c") { FurtherImages = ["2.png"] },
        new("4", "1.png", "And this?", "d"),
        new("5", "1.png", "Or that?", "e"),
    ];

    [Fact]
    public void A_picture_that_leaves_no_room_for_its_question_is_refused_by_its_sample()
    {
        var fault = Assert.Throws<CoinException>(() =>
            Answers(Options() with { Model = Options().Model with { MaxLength = 12 } }, null, [Questions[3]])
        );
        Assert.Contains("Sample 4: its pictures (1.png) take 12 positions", fault.Message, StringComparison.Ordinal);
        Assert.Contains("model.max-pixels", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Fewer_pixels_make_pictures_smaller()
    {
        var options = Options() with { Model = Options().Model with { MaxPixels = 56 * 56 } };
        var view = SampleRenderer.Open(options.Model, Folder.Path).Render(Questions[3]);
        Assert.Equal(2, view.ImageTokens);
        Assert.Equal(12, SampleRenderer.Open(Options().Model, Folder.Path).Render(Questions[3]).ImageTokens);
    }

    [Fact]
    public void The_plan_counts_the_positions_that_its_pictures_have()
    {
        long Largest(ExperimentOptions options) =>
            Assert.Single(ExperimentPlanner.Plan(options, "cpu", 1, _ => Samples()).Stages).LargestMicroBatch;

        var small = Options() with { Model = Options().Model with { MaxPixels = 56 * 56 } };
        Assert.True(Largest(Options()) > Largest(small), "larger pictures have more positions");
    }

    private protected override ExperimentOptions Options() =>
        new()
        {
            Name = "t",
            Tasks =
            [
                new TaskOptions
                {
                    Name = "T",
                    Folder = "t",
                    Scorer = "gqa",
                },
            ],
            Data = new DataOptions { Instructions = "", Images = Folder.Path },
            Model = new ModelOptions { Path = GoldenFolder.Of("qwen2.5-vl-tiny", "model"), MaxLength = 512 },
            Lora = new LoraOptions
            {
                Rank = 4,
                Alpha = 8,
                Dropout = 0.1,
                TrainProjector = false,
            },
            Training = new TrainingOptions
            {
                LearningRate = 1e-2,
                BatchSize = 2,
                MaxSteps = 4,
            },
        };
}
