using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Runs;
using CoIN.Benchmark.Tests.Support;
using CoIN.Benchmark.Work;

namespace CoIN.Benchmark.Tests.Data;

/// <summary>Reference captions in a file of their own, and images in folders of a task.</summary>
public sealed class CaptionReferencesTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public CaptionReferencesTests()
    {
        folder.Write(
            "Cap/test.json",
            """
            [{"question_id": 7, "image": "val/b.jpg", "text": "Describe.", "answer": "one"},
             {"question_id": 8, "image": "val/a.jpg", "text": "Describe.", "answer": "two"}]
            """
        );
        folder.Write(
            "Cap/train.json",
            """
            [{"id": 1, "image": "a.jpg", "conversations": [{"from": "human", "value": "<image>\nq"}, {"from": "gpt", "value": "a"}]}]
            """
        );
        folder.Write(
            "Cap/coco.json",
            """
            {"images": [{"id": 1, "file_name": "a.jpg"}, {"id": 2, "file_name": "b.jpg"}],
             "annotations": [{"image_id": 2, "caption": "a bird"}, {"image_id": 1, "caption": "a car"}, {"image_id": 2, "caption": "birds"}]}
            """
        );
        foreach (var image in new[] { "tested/val/a.jpg", "tested/val/b.jpg", "learned/a.jpg" })
        {
            folder.Write(image, "image");
        }
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Samples_get_the_captions_of_their_image_and_paths_below_their_task_s_folder()
    {
        var work = new BenchmarkWork();
        var options = Options();

        var test = work.Test(options, options.Tasks[0]);

        Assert.Equal(["tested/val/b.jpg", "tested/val/a.jpg"], test.Select(sample => sample.Image));
        Assert.Equal(["a bird", "birds"], test[0].Answers);
        Assert.Equal(("one", "a car"), (test[0].Answer, test[1].Answers.Single()));
        Assert.Equal("learned/a.jpg", Assert.Single(work.Training(options, options.Tasks[0])).Image);
    }

    [Fact]
    public void A_run_knows_its_references_file_by_its_hash()
    {
        var before = new BenchmarkWork().Describe(Options()).Sha256["Cap/coco.json"];
        folder.Write("Cap/coco.json", File.ReadAllText(folder.File("Cap/coco.json")) + " ");

        Assert.NotEqual(before, new BenchmarkWork().Describe(Options()).Sha256["Cap/coco.json"]);
    }

    [Theory]
    [InlineData("""{"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": []}""", "no captions of the image b.jpg of test sample 7")]
    [InlineData("""{"images": [], "annotations": 5}""", "no list of objects \"annotations\"")]
    [InlineData("""{"images": [{"id": 1, "file_name": "x/a.jpg"}, {"id": 2, "file_name": "a.jpg"}], "annotations": []}""", "called a.jpg")]
    [InlineData("""{"images": [{"id": 1}], "annotations": []}""", "no text as \"file_name\"")]
    [InlineData("[1", "COCO's form of captions")]
    public void What_is_wrong_with_the_file_is_told_before_a_run(string text, string told)
    {
        folder.Write("Cap/coco.json", text);
        var problems = new Problems();

        new BenchmarkWork().Check(Options(), problems);

        Assert.Contains(told, Assert.Single(problems.Texts), StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_file_is_named_with_its_key()
    {
        File.Delete(folder.File("Cap/coco.json"));

        var error = Assert.Throws<CoinException>(() => CaptionReferences.Read(folder.File("Cap/coco.json")));

        Assert.Contains("coco.json does not exist", error.Message, StringComparison.Ordinal);
        Assert.Contains("references-file", error.Message, StringComparison.Ordinal);
    }

    private ExperimentOptions Options() =>
        new()
        {
            Name = "captions",
            Tasks =
            [
                new TaskOptions
                {
                    Name = "Cap",
                    Folder = "Cap",
                    Scorer = "cider",
                    ReferencesFile = "coco.json",
                    TrainImages = "learned",
                    TestImages = "tested/",
                },
            ],
            Data = new DataOptions { Instructions = folder.Path, Images = folder.Path },
            Model = new ModelOptions { Path = "model" },
        };
}
