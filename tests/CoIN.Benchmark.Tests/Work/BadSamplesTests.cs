using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Methods;
using CoIN.Benchmark.Reports;
using CoIN.Benchmark.Reports.Examples;
using CoIN.Benchmark.Runs;
using CoIN.Benchmark.Tests.Support;
using CoIN.Benchmark.Work;

namespace CoIN.Benchmark.Tests.Work;

/// <summary>Images that cannot be used, and images that are not what they were.</summary>
public sealed class BadSamplesTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly BenchmarkWork work = new(null, new Inspector());

    public BadSamplesTests()
    {
        folder.Write("GQA/train.json", $"[{string.Join(",", new[] { "good", "bad", "gone" }.Select((image, i) => Train(i, image)))}]");
        folder.Write(
            "GQA/test.json",
            $"[{string.Join(",", new[] { "bad", "good" }.Select((image, i) => Test(i, image)))}, {{\"question_id\": 9, \"text\": \"q\", \"answer\": \"a\"}}]"
        );
        folder.Write("good.png", "good");
        folder.Write("bad.png", "bad");
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Samples_with_bad_images_are_left_out_counted_and_named()
    {
        var data = work.Describe(Options(BadSamples.Skip));

        Assert.Equal(["bad.png", "gone.png"], data.SkippedImages!);
        Assert.Equal(
            [("train", "1", "bad.png", "is damaged"), ("train", "2", "gone.png", "does not exist"), ("test", "0", "bad.png", "is damaged")],
            data.Skipped.Select(sample => (sample.Use, sample.Sample, sample.Image, sample.Reason!))
        );
        Assert.Equal((1, 2), (data.TrainingSamples[0], data.TestSamples[0]));
    }

    [Fact]
    public void What_was_left_out_at_the_start_is_left_out_by_every_worker_and_at_every_resume()
    {
        var options = Options(BadSamples.Skip);
        options = options with { Data = options.Data with { SkippedImages = work.Describe(options).SkippedImages } };
        folder.Write("bad.png", "good");

        var resumed = new BenchmarkWork().Describe(options);

        Assert.Equal((1, 2), (resumed.TrainingSamples[0], resumed.TestSamples[0]));
        Assert.Equal(["0"], work.Training(options, options.Tasks[0]).Select(sample => sample.Id));
        Assert.Equal(["1", "9"], work.Test(options, options.Tasks[0]).Select(sample => sample.QuestionId));
    }

    [Fact]
    public void A_run_that_may_not_leave_samples_out_names_the_missing_image() =>
        Assert.Contains(
            "gone.png of sample 2 does not exist",
            Assert.Throws<CoinException>(() => work.Describe(Options(BadSamples.Fail))).Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void A_sample_with_a_bad_second_image_is_left_out_too()
    {
        folder.Write("GQA/train.json", $$"""[{{Train(0, "good")}}, {{Several}}]""");

        var data = new BenchmarkWork(new Aids(several: true), new Inspector()).Describe(Options(BadSamples.Skip));

        Assert.Equal(1, data.TrainingSamples[0]);
        Assert.Contains(data.Skipped, sample => sample is { Sample: "s2", Image: "bad.png" });
    }

    [Fact]
    public void A_second_image_is_refused_by_its_sample_where_the_model_takes_one()
    {
        folder.Write("GQA/train.json", $$"""[{{Train(0, "good")}}, {{Several}}]""");
        folder.Write("GQA/test.json", $"[{Test(1, "good")}]");

        var refused = Assert
            .Throws<CoinException>(() => new BenchmarkWork(new Aids(several: false)).Describe(Options(BadSamples.Fail)))
            .Message;

        Assert.Contains("train.json, sample s2: it has 2 images, and LLaVA takes one", refused, StringComparison.Ordinal);
        Assert.Equal(2, new BenchmarkWork(new Aids(several: true)).Describe(Options(BadSamples.Fail)).TrainingSamples[0]);
    }

    [Fact]
    public void A_task_of_which_nothing_is_left_is_an_error()
    {
        File.Delete(folder.File("good.png"));

        Assert.Contains(
            "Nothing is left of GQA's training samples",
            Assert.Throws<CoinException>(() => work.Describe(Options(BadSamples.Skip))).Message,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("ewc", 2, false)]
    [InlineData("ewc", 1, true)]
    [InlineData("lwf", 2, false)]
    [InlineData("replay", 2, false)]
    [InlineData("ema", 2, true)]
    public void A_task_with_fewer_samples_than_a_method_takes_of_each_is_named_with_the_key(string method, int samples, bool right)
    {
        object own = method switch
        {
            EwcOptions.Key => new EwcOptions { Samples = samples },
            LwfOptions.Key => new LwfOptions { Samples = samples },
            ReplayOptions.Key => new ReplayOptions { Samples = samples },
            _ => new EmaOptions(),
        };
        var options = Options(BadSamples.Skip) with { Method = method, MethodOptions = MethodOptions.Of(method, own) };
        if (right)
        {
            Assert.Equal(1, work.Describe(options).TrainingSamples[0]);
            return;
        }

        Assert.Contains(
            $"coin.{method}.samples is 2, but GQA has 1 training samples with a usable image. Set {method}.samples to 1 or less",
            Assert.Throws<CoinException>(() => work.Describe(options)).Message,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData(ImageIdentity.SizeAndTime)]
    [InlineData(ImageIdentity.Sha256)]
    public void An_image_that_was_replaced_is_named_and_one_that_was_not_is_the_same(ImageIdentity identity)
    {
        var then = List(identity);
        then.Write(folder.File("images.tsv"));
        Assert.Null(List(identity).Changes(folder.File("images.tsv"), then.Sha256()));

        File.WriteAllText(folder.File("bad.png"), "dab");
        File.SetLastWriteTimeUtc(folder.File("bad.png"), DateTime.UtcNow.AddMinutes(1));

        var changes = List(identity).Changes(folder.File("images.tsv"), then.Sha256());
        Assert.StartsWith(
            $"An image has changed since the run began: {folder.File("bad.png")} (3 bytes",
            changes,
            StringComparison.Ordinal
        );
        Assert.DoesNotContain("good.png", changes, StringComparison.Ordinal);

        // The one at which a run failed may be mended, and no other.
        Assert.Null(List(identity).Changes(folder.File("images.tsv"), then.Sha256(), image => image == folder.File("bad.png")));
        Assert.Equal(changes, List(identity).Changes(folder.File("images.tsv"), then.Sha256(), image => image == folder.File("good.png")));
        File.Delete(folder.File("images.tsv"));
        Assert.Contains(
            "which ones cannot be told",
            List(identity).Changes(folder.File("images.tsv"), then.Sha256()),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_hash_does_not_mind_the_time()
    {
        var then = List(ImageIdentity.Sha256);
        File.SetLastWriteTimeUtc(folder.File("good.png"), DateTime.UtcNow.AddDays(-1));

        Assert.Equal(then.Sha256(), List(ImageIdentity.Sha256).Sha256());
        Assert.NotEqual(List(ImageIdentity.SizeAndTime).Sha256(), then.Sha256());
    }

    private ImageList List(ImageIdentity identity)
    {
        var list = new ImageList(folder.Path, identity);
        list.Add(["good.png", null, "bad.png", "good.png", "gone.png"]);
        return list;
    }

    private ExperimentOptions Options(BadSamples rule) =>
        new()
        {
            Name = "test",
            Tasks =
            [
                new TaskOptions
                {
                    Name = "GQA",
                    Folder = "GQA",
                    Scorer = "gqa",
                },
            ],
            Data = new DataOptions
            {
                Instructions = folder.Path,
                Images = folder.Path,
                BadSamples = rule,
            },
            Model = new ModelOptions { Path = "" },
        };

    private const string Several = """
        {"id": "s2", "image": ["good.png", "bad.png"], "conversations": [{"from": "human", "value": "<image><image>q"}, {"from": "gpt", "value": "a"}]}
        """;

    private static string Train(int id, string image) =>
        $$"""{"id": {{id}}, "image": "{{image}}.png", "conversations": [{"from": "human", "value": "<image> q"}, {"from": "gpt", "value": "a"}]}""";

    private static string Test(int id, string image) =>
        $$"""{"question_id": {{id}}, "image": "{{image}}.png", "text": "q", "answer": "a"}""";

    private sealed class Aids(bool several) : IReportAids
    {
        public Thumbnail? Thumbnail(string path, int longestSide) => null;

        public ModelDescription? Describe(ModelOptions model) => new("LLaVA", 2, 8) { SeveralImages = several };
    }

    private sealed class Inspector : IImageInspector
    {
        public ImageFacts Inspect(string path) =>
            !File.Exists(path) ? ImageFacts.Missing
            : File.ReadAllText(path) == "good" ? new(ImageState.Whole, null, "PNG", ImageTraits.None, 8, 8, 1)
            : new(ImageState.Corrupt, "is damaged", "PNG", ImageTraits.None, 0, 0, 2);

        public IReadOnlyList<string> Extensions(string format) => [".png"];
    }
}
