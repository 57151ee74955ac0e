using System.Text;
using CoIN.Actors.Protocol;
using CoIN.Actors.Tests.Support;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Runs;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace CoIN.Actors.Tests.Runs;

/// <summary>Which samples of its files a run takes.</summary>
public sealed class DataSubsetTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly BenchmarkWork work = new();
    private readonly TaskOptions task = new() { Name = "GQA", Folder = "GQA", Scorer = "gqa" };

    public DataSubsetTests()
    {
        Directory.CreateDirectory(Path.Combine(folder.Path, "GQA"));
        File.WriteAllText(Path.Combine(folder.Path, "GQA", "train.json"), JsonConvert.SerializeObject(Enumerable.Range(0, 50).Select(id =>
            new { id, conversations = new[] { new { from = "human", value = "q" }, new { from = "gpt", value = "a" } } })));
        File.WriteAllText(Path.Combine(folder.Path, "GQA", "test.json"), JsonConvert.SerializeObject(Enumerable.Range(0, 50).Select(id =>
            new { question_id = id, text = "q", answer = "a" })));
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

    [Fact]
    public void Test_samples_are_the_first_ones_unless_they_are_to_be_drawn()
    {
        Assert.Equal(["0", "1", "2"], Test(Data() with { MaxTestSamples = 3 }));
        Assert.Equal(50, Test(Data() with { TestSubset = TestSubset.Seeded }).Count);

        var (few, more) = (Test(Data() with { MaxTestSamples = 3, TestSubset = TestSubset.Seeded }), Test(Data() with { MaxTestSamples = 12, TestSubset = TestSubset.Seeded }));
        Assert.Equal((3, 12), (few.Count, more.Count));
        Assert.NotEqual(["0", "1", "2"], few);
        Assert.Empty(few.Except(more));
    }

    [Fact]
    public void A_run_from_before_there_were_volumes_goes_on_with_all_samples_and_the_first_tests()
    {
        var started = new RunStarted("r", Experiments.Of(1), new Dictionary<string, string>(), [1], [1]);
        var json = JObject.Parse(Encoding.UTF8.GetString(WireFormat.Write(started)));
        var data = (JObject)json["options"]!["data"]!;
        Assert.True(data.Remove("volume") && data.Remove("testSubset"));

        var read = Assert.IsType<RunStarted>(WireFormat.Read(Encoding.UTF8.GetBytes(json.ToString()), "run-started:1"));
        Assert.Equal((1.0, TestSubset.First), (read.Options.Data.Volume, read.Options.Data.TestSubset));
    }

    private DataOptions Data() => new() { Instructions = folder.Path, Images = "" };

    private IReadOnlyList<string> Training(DataOptions data) => [.. work.Training(Experiments.Of(1) with { Data = data }, task).Select(sample => sample.Id)];

    private IReadOnlyList<string> Test(DataOptions data) => [.. work.Test(Experiments.Of(1) with { Data = data }, task).Select(sample => sample.QuestionId)];
}
