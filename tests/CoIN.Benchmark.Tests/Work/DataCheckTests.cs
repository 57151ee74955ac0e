using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Methods;
using CoIN.Benchmark.Runs;
using CoIN.Benchmark.Tests.Support;
using CoIN.Benchmark.Work;

namespace CoIN.Benchmark.Tests.Work;

/// <summary>Which faults of data are told before a run.</summary>
public sealed class DataCheckTests : IDisposable
{
    private const string Training = """[{"id": 1, "conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]}]""";

    private readonly TemporaryFolder folder = new();
    private readonly Problems problems = new();

    public DataCheckTests()
    {
        Write("A/train.json", Training);
        Write("A/test.json", "[}");
        Write("B/train.json", "[]");
        Write("B/test.json", """[{"question_id": 1, "text": "q", "answer": "a", "image": "none.png"}]""");
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_fault_of_every_file_is_told()
    {
        Check();

        var message = Message();
        Assert.Contains("has 3 problems", message);
        Assert.All([PathOf("A/test.json"), PathOf("B/train.json"), "none.png"], part => Assert.Contains(part, message));
    }

    [Fact]
    public void What_zero_shot_does_not_read_is_not_looked_at()
    {
        Check(ZeroShot.Name);

        Assert.DoesNotContain(PathOf("B/train.json"), Message());
    }

    [Theory]
    [InlineData("coin.data.images", 1)]
    [InlineData("coin.tasks.A.test-file", 3)]
    [InlineData("coin.tasks.A.folder", 3)]
    [InlineData("coin.tasks.AA.folder", 4)]
    public void Files_whose_keys_are_wrong_are_not_looked_at(string key, int expected)
    {
        problems.Add("wrong", key);

        Check();

        Assert.Equal(expected, problems.Count);
    }

    private void Check(string method = SequentialLora.Name) =>
        new BenchmarkWork().Check(
            TinyExperiments.Of(2) with
            {
                Method = method,
                Tasks = [Task("A"), Task("B")],
                Data = new DataOptions { Instructions = folder.Path, Images = folder.Path },
            },
            problems
        );

    private static TaskOptions Task(string name) =>
        new()
        {
            Name = name,
            Folder = name,
            Scorer = "gqa",
        };

    private string Message() => Assert.Throws<CoinException>(() => problems.ThrowIfAny("x")).Message;

    private string PathOf(string name) => Path.Combine(folder.Path, name);

    private void Write(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(PathOf(name))!);
        File.WriteAllText(PathOf(name), text);
    }
}
