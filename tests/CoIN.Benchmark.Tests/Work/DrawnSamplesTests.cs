using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Runs;
using CoIN.Benchmark.Tests.Support;
using CoIN.Benchmark.Work;
using Newtonsoft.Json;

namespace CoIN.Benchmark.Tests.Work;

/// <summary>Which samples of its files a run takes.</summary>
public sealed class DrawnSamplesTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly BenchmarkWork work = new();
    private readonly TaskOptions task = new()
    {
        Name = "GQA",
        Folder = "GQA",
        Scorer = "gqa",
    };

    public DrawnSamplesTests()
    {
        Directory.CreateDirectory(Path.Combine(folder.Path, "GQA"));
        File.WriteAllText(
            Path.Combine(folder.Path, "GQA", "train.json"),
            JsonConvert.SerializeObject(
                Enumerable
                    .Range(0, 50)
                    .Select(id => new
                    {
                        id,
                        conversations = new[] { new { from = "human", value = "q" }, new { from = "gpt", value = "a" } },
                    })
            )
        );
        File.WriteAllText(
            Path.Combine(folder.Path, "GQA", "test.json"),
            JsonConvert.SerializeObject(
                Enumerable
                    .Range(0, 50)
                    .Select(id => new
                    {
                        question_id = id,
                        text = "q",
                        answer = "a",
                    })
            )
        );
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_volume_is_a_nested_part_of_the_training_set()
    {
        var (small, large) = (Training(Data() with { Volume = 0.2 }), Training(Data() with { Volume = 0.6 }));

        Assert.Equal((10, 30, 50), (small.Count, large.Count, Training(Data()).Count));
        Assert.Empty(small.Except(large));
    }

    [Fact]
    public void A_maximum_limits_a_volume() => Assert.Equal(7, Training(Data() with { Volume = 0.6, MaxTrainSamples = 7 }).Count);

    [Theory]
    [InlineData(0, 50, 0)]
    [InlineData(0.1, 45, 5)]
    [InlineData(0.001, 49, 1)]
    [InlineData(12, 38, 12)]
    public void Held_out_samples_are_none_of_those_that_are_trained_on(double validation, int trained, int held)
    {
        var data = Data() with { Validation = validation };
        var (training, kept) = (Training(data), Validation(data, task));
        Assert.Equal((trained, held), (training.Count, kept.Count));
        Assert.Equal(Enumerable.Range(0, 50).Select(id => $"{id}"), training.Concat(kept).OrderBy(int.Parse));
        Assert.Equal(kept.OrderBy(int.Parse), kept);
        if (held > 1)
        {
            // By the seed, and more of the same.
            Assert.Empty(kept.Except(Validation(data with { Validation = held + 5 }, task)));
            Assert.NotEqual(kept, Validation(data, task, seed: 7));
        }

        Assert.Equal((trained, held == 0 ? null : held), (Describe(data).TrainingSamples[0], Describe(data).ValidationSamples?[0]));
    }

    [Fact]
    public void Held_out_samples_are_of_what_a_volume_leaves_and_must_leave_something()
    {
        var data = Data() with { Volume = 0.2, Validation = 4 };
        Assert.Equal((6, 4), (Training(data).Count, Validation(data, task).Count));
        Assert.Empty(Training(data).Concat(Validation(data, task)).Except(Training(Data() with { Volume = 0.2 })));
        var fault = Assert.Throws<CoinException>(() => Training(data with { Validation = 10 })).Message;
        Assert.Contains("10 of 10 training samples of GQA", fault, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_of_the_task_takes_the_place_of_held_out_samples()
    {
        File.WriteAllText(
            Path.Combine(folder.Path, "GQA", "val.json"),
            JsonConvert.SerializeObject(
                Enumerable
                    .Range(0, 3)
                    .Select(id => new
                    {
                        id = $"v{id}",
                        conversations = new[] { new { from = "human", value = "q" }, new { from = "gpt", value = "a" } },
                    })
            )
        );
        var with = task with { ValidationFile = "val.json" };
        Assert.Equal(["v0", "v1", "v2"], Validation(Data() with { Validation = 5 }, with));
        Assert.Equal(50, Training(Data()).Count);
        var described = work.Describe(Options(Data(), with));
        Assert.Equal((50, 3), (described.TrainingSamples[0], described.ValidationSamples![0]));
        Assert.True(described.Sha256.ContainsKey("GQA/val.json"));
    }

    [Fact]
    public void Test_samples_are_the_first_ones_unless_they_are_to_be_drawn()
    {
        Assert.Equal(["0", "1", "2"], Test(Data() with { MaxTestSamples = 3 }));
        Assert.Equal(50, Test(Data() with { TestSubset = TestSubset.Seeded }).Count);

        var (few, more) = (
            Test(Data() with { MaxTestSamples = 3, TestSubset = TestSubset.Seeded }),
            Test(Data() with { MaxTestSamples = 12, TestSubset = TestSubset.Seeded })
        );
        Assert.Equal((3, 12), (few.Count, more.Count));
        Assert.NotEqual(["0", "1", "2"], few);
        Assert.Empty(few.Except(more));
    }

    private DataOptions Data() => new() { Instructions = folder.Path, Images = "" };

    private IReadOnlyList<string> Training(DataOptions data) =>
        [.. work.Training(TinyExperiments.Of(1) with { Data = data }, task).Select(sample => sample.Id)];

    private IReadOnlyList<string> Validation(DataOptions data, TaskOptions of, int? seed = null) =>
        [.. work.Validation(Options(data, of) with { Seed = seed ?? Options(data, of).Seed }, of).Select(sample => sample.Id)];

    private DataDescription Describe(DataOptions data) => work.Describe(Options(data, task));

    private static ExperimentOptions Options(DataOptions data, TaskOptions of) => TinyExperiments.Of(1) with { Data = data, Tasks = [of] };

    private IReadOnlyList<string> Test(DataOptions data) =>
        [.. work.Test(TinyExperiments.Of(1) with { Data = data }, task).Select(sample => sample.QuestionId)];
}
