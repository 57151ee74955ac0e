using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Runs;
using CoIN.Benchmark.Tests.Support;
using CoIN.Benchmark.Work;

namespace CoIN.Benchmark.Tests.Work;

/// <summary>A host that has a run's files in other folders than its configuration says.</summary>
public sealed class LocalPathsTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("/data/hf/llava", "/mnt/models/llava")]
    [InlineData("/data/hf", "/mnt/models")]
    [InlineData("/data/hf-2/llava", "/mnt/data/hf-2/llava")]
    [InlineData("/data/coin/images", "/mnt/data/coin/images")]
    [InlineData("/database/x", "/database/x")]
    [InlineData("relative", "relative")]
    [InlineData("", "")]
    public void The_longest_folder_that_something_is_in_decides_where_it_lies(string there, string here) =>
        Assert.Equal(here, LocalPaths.Parse(["/data = /mnt/data", " /data/hf/=/mnt/models/ "]).Here(there));

    [Theory]
    [InlineData("/data/hf")]
    [InlineData("data = /mnt")]
    [InlineData("/data = mnt")]
    [InlineData("/ = /mnt")]
    [InlineData("= /mnt")]
    [InlineData("/data =")]
    public void A_line_that_does_not_say_what_lies_where_is_refused_with_an_example(string line) =>
        Assert.Contains("Write \"/data/hf = /mnt/models\"", Assert.Throws<CoinException>(() => LocalPaths.Parse([line])).Message);

    [Fact]
    public void A_folder_that_is_to_lie_in_two_places_is_refused() =>
        Assert.Contains(
            "/data is said to lie in /a and in /b",
            Assert.Throws<CoinException>(() => LocalPaths.Parse(["/data = /a", "/data/ = /b"])).Message
        );

    [Fact]
    public void Everything_that_an_experiment_names_is_found_where_it_lies_and_nothing_else_changes()
    {
        var options = TinyExperiments.Of(2) with
        {
            Model = new ModelOptions
            {
                Path = "/data/m",
                Language = "/data/l",
                VisionTower = "/data/v",
                Projector = "/data/p",
            },
            Data = new DataOptions { Instructions = "/data/i", Images = "/data/s" },
            Lora = new LoraOptions { From = "/data/a" },
            Judge = new JudgeOptions
            {
                Name = "j",
                Kind = JudgeKind.Local,
                Path = "/data/j",
            },
        };
        var here = LocalPaths.Parse(["/data = /mnt"]).Here(options);
        Assert.Equal(LocalPaths.Named(options).Select(named => (named.Key, "/mnt" + named.Path["/data".Length..])), LocalPaths.Named(here));
        Assert.Equal(8, LocalPaths.Named(here).Count());
        Assert.Equal(Text(options), Text(LocalPaths.Parse(["/mnt = /data"]).Here(here)));
        Assert.Same(options, LocalPaths.Same.Here(options));
    }

    /// <summary>What a run begins with, its results' keys and its reports are those of a host that has all where it says.</summary>
    [Fact]
    public void What_is_written_of_a_run_does_not_tell_who_did_it()
    {
        foreach (var place in new[] { "there", "here" })
        {
            folder.Write(
                $"{place}/i/t1/train.json",
                """[{"id": "1", "image": "1.png", "conversations": [{"from": "human", "value": "<image>\na"}, {"from": "gpt", "value": "b"}]}]"""
            );
            folder.Write($"{place}/i/t1/test.json", """[{"question_id": "1", "image": "1.png", "text": "Which colour?", "answer": "b"}]""");
            File.SetLastWriteTimeUtc(folder.Write($"{place}/s/1.png", "picture"), new DateTime(2024, 1, 2, 3, 4, 5, DateTimeKind.Utc));
        }

        IReadOnlyDictionary<string, string> hashes = new Dictionary<string, string>();
        var options = TinyExperiments.Of(1);
        options = options with
        {
            Data = new DataOptions { Instructions = folder.File("there/i"), Images = folder.File("there/s") },
        };
        var (there, here) = (
            new BenchmarkWork(),
            new BenchmarkWork(paths: LocalPaths.Parse([$"{folder.File("there")} = {folder.File("here")}"]))
        );
        var (run, report) = Written(there);
        Directory.Move(folder.File("there"), folder.File("away"));
        Assert.Throws<CoinException>(() => there.Describe(options));

        var (again, same) = Written(here);
        Assert.Equal(run, again);
        Assert.Equal(report, same);
        Assert.Contains("Which colour?", string.Concat(report.Values), StringComparison.Ordinal);
        File.WriteAllText(folder.File("here/i/t1/test.json"), "[]");
        var state = RunState.Empty.With(States.Begun(options).Started! with { DataSha256 = hashes });
        Assert.Contains(
            $"{folder.File("here/i/t1/test.json")} has changed",
            Assert.Throws<CoinException>(() => RunFiles.TestSet(state, 0, here)).Message,
            StringComparison.Ordinal
        );

        (string Started, Dictionary<string, string> Reports) Written(BenchmarkWork work)
        {
            var data = work.Describe(options);
            hashes = data.Sha256;
            var started = new RunStarted("r", options, data.Sha256, data.TrainingSamples, data.TestSamples)
            {
                ImagesSha256 = data.Images!.Sha256(),
            };
            var state = RunState.Empty.With(started).WithStages(folder.File("run"), 1).WithCell(folder.File("run"), 1, 0, "c", work);
            var files = work.WriteReports(folder.File("run"), state, folder.File("reports"));
            return (
                Text(started) + ContentKeys.OfStage(state, 1, "p") + ContentKeys.OfCell(state, 1, 0, "p"),
                files.ToDictionary(file => file, File.ReadAllText)
            );
        }
    }

    private static string Text(object value) => Newtonsoft.Json.JsonConvert.SerializeObject(value);
}
