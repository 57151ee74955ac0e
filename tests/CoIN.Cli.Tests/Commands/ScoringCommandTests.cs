using CoIN.Benchmark.Runs;
using CoIN.Benchmark.Scoring;
using CoIN.Cli.Tests.Support;
using Newtonsoft.Json.Linq;

namespace CoIN.Cli.Tests.Commands;

public sealed class ScoringCommandTests : IDisposable
{
    private const string Matrix =
        "92\n92 75\n70 28 97\n92 65 37 72\n89 44 51 57 42\n98 84 98 75 70 58\n85 68 59 68 40 49 75\n82 74 55 56 47 52 58 78\n";

    private readonly CommandLine coin = new();

    public void Dispose() => coin.Dispose();

    [Theory]
    [InlineData("VQAv2")]
    [InlineData("vqav2")]
    [InlineData("vqaV2")]
    public async Task A_predictions_file_is_scored_both_ways_with_samples_and_intervals(string task)
    {
        WritePredictions();

        Assert.Equal(0, await coin.InvokeAsync("score", "--task", task, "--predictions", "p.jsonl", "--annotations", "test.json"));

        Assert.Contains("Scorer vqav2: 3 predictions for 4 test samples", coin.Out);
        Assert.Matches(@"published +33\.33 % +3  0\.00 to 100\.00", coin.Out);
        Assert.Matches(@"corrected +50\.00 % +4  0\.00 to 100\.00", coin.Out);
        Assert.Contains("Note: 1 question without prediction, such as \"4\"", coin.Out);
        Assert.Equal(
            [new SampleScore("1", 1, 1), new("2", 0, 1), new("3", 0, 0), new("4", null, 0)],
            ScoresFile.Read(coin.Folder.PathOf("p.scores.jsonl"))
        );
    }

    [Fact]
    public async Task One_scoring_and_another_file_can_be_asked_for()
    {
        WritePredictions();

        Assert.Equal(
            0,
            await coin.InvokeAsync(
                "score",
                "--task",
                "gqa",
                "--predictions",
                "p.jsonl",
                "--annotations",
                "test.json",
                "--scoring",
                "corrected",
                "--out",
                "here/s.jsonl"
            )
        );

        Assert.DoesNotContain("published", coin.Out);
        Assert.All(ScoresFile.Read(coin.Folder.PathOf("here", "s.jsonl")), score => Assert.Null(score.Published));
    }

    [Theory]
    [InlineData("There is no task or scorer \"vqa2\"; did you mean \"VQAv2\"?", 2, "--task", "vqa2")]
    [InlineData("would overwrite", 2, "--out", "test.json")]
    [InlineData("nothing.jsonl does not exist", 1, "--predictions", "nothing.jsonl")]
    [InlineData("folder: it is a folder, but a file is expected here. Name a file of JSON lines.", 1, "--predictions", "folder")]
    [InlineData("nothing.json does not exist", 1, "--annotations", "nothing.json")]
    [InlineData("'fair'", 2, "--scoring", "fair")]
    public async Task What_cannot_be_scored_is_an_error(string fault, int code, string option, string value)
    {
        WritePredictions();
        var options = new Dictionary<string, string>
        {
            ["--task"] = "VQAv2",
            ["--predictions"] = "p.jsonl",
            ["--annotations"] = "test.json",
            [option] = value,
        };

        Directory.CreateDirectory(coin.Folder.PathOf("folder"));

        Assert.Equal(code, await coin.InvokeAsync(["score", .. options.SelectMany(pair => new[] { pair.Key, pair.Value })]));
        Assert.Contains(fault, coin.Error);
    }

    [Fact]
    public async Task Captions_are_scored_against_all_references_of_their_images()
    {
        coin.Folder.Write(
            "captions.json",
            """
            [{"question_id": 1, "image": "val/a.jpg", "text": "Describe.", "answer": "a red bird"},
             {"question_id": 2, "image": "val/b.jpg", "text": "Describe.", "answer": "two old cars"}]
            """
        );
        coin.Folder.Write(
            "coco.json",
            """
            {"images": [{"id": 1, "file_name": "a.jpg"}, {"id": 2, "file_name": "b.jpg"}],
             "annotations": [{"image_id": 1, "caption": "a red bird"}, {"image_id": 1, "caption": "the bird sits there"}, {"image_id": 2, "caption": "two old cars"}]}
            """
        );
        coin.Folder.Write(
            "c.jsonl",
            """
            {"question_id": 1, "text": "the bird sits there"}
            {"question_id": 2, "text": "two old cars"}
            """
        );

        Assert.Equal(0, await coin.InvokeAsync("score", "--task", "cider", "--predictions", "c.jsonl", "--annotations", "captions.json"));
        var alone = ScoresFile.Read(coin.Folder.PathOf("c.scores.jsonl"));
        Assert.Equal(
            0,
            await coin.InvokeAsync(
                "score",
                "--task",
                "cider",
                "--predictions",
                "c.jsonl",
                "--annotations",
                "captions.json",
                "--references",
                "coco.json"
            )
        );
        var all = ScoresFile.Read(coin.Folder.PathOf("c.scores.jsonl"));

        // The caption is none of the words of the test file's, and the second of the two references.
        Assert.InRange(alone[0].Published!.Value, 0, 1);
        Assert.InRange(all[0].Published!.Value, 5, 6);
        Assert.True(all[1].Published > 7, $"{all[1]}");

        Assert.Equal(
            1,
            await coin.InvokeAsync(
                "score",
                "--task",
                "cider",
                "--predictions",
                "c.jsonl",
                "--annotations",
                "captions.json",
                "--references",
                "none.json"
            )
        );
        Assert.Contains("none.json does not exist", coin.Error);
    }

    [Fact]
    public async Task Scoring_a_run_again_prints_what_changed()
    {
        coin.WriteConfiguration();
        await coin.InvokeAsync("run", "a.hocon", "--run-id", "one");
        coin.Engine.Rescoring = new(3, [new(0, "GQA", 50, 50, null, 62.5), new(2, "OCR-VQA", 10, 20, 30, 30)], ["/r/report.md"]);

        Assert.Equal(0, await coin.InvokeAsync("rescore", "on"));

        Assert.Equal("rescore one", coin.Engine.Asked[^1]);
        Assert.Contains("Scored 3 cells of one again: 2 cells changed.", coin.Out);
        Assert.Matches(@"zero-shot +GQA +50\.00 +- -> 62\.50", coin.Out);
        Assert.Matches(@"2 +OCR-VQA +10\.00 -> 20\.00 +30\.00\n", coin.Out);
        Assert.Contains("/r/report.md", coin.Out);
    }

    [Fact]
    public async Task A_run_without_changes_says_so()
    {
        coin.WriteConfiguration();
        await coin.InvokeAsync("run", "a.hocon", "--run-id", "one");
        coin.Engine.Rescoring = new(1, [], []);

        Assert.Equal(0, await coin.InvokeAsync("rescore"));
        Assert.Contains("Scored 1 cell of one again: nothing has changed.", coin.Out);
    }

    [Fact]
    public async Task The_papers_matrix_gives_its_numbers()
    {
        coin.Folder.Write("llava.txt", Matrix);

        Assert.Equal(0, await coin.InvokeAsync("metrics", "llava.txt"));

        Assert.Matches(@"MAA +71\.285", coin.Out);
        Assert.Matches(@"BWT +-10\.875", coin.Out);
        Assert.Matches(@"last average +62\.750", coin.Out);
        Assert.Matches(@"forward transfer +-  needs --zero-shot FILE, and the accuracies right above the diagonal", coin.Out);
        Assert.Contains("8 task 8   82.00", coin.Out);
    }

    [Fact]
    public async Task Zero_shot_accuracies_and_cells_above_the_diagonal_give_the_rest()
    {
        coin.Folder.Write("m.csv", "50,30\n40,60\n");
        coin.Folder.Write("z.csv", "10,20\n");

        Assert.Equal(0, await coin.InvokeAsync("metrics", "m.csv", "--zero-shot", "z.csv"));

        Assert.Matches(@"learning gain +40\.000", coin.Out);
        Assert.Matches(@"forward transfer +10\.000", coin.Out);
    }

    [Fact]
    public async Task Several_files_are_seeds()
    {
        coin.Folder.Write("a.csv", "x,y\n50,\n40,60\n");
        coin.Folder.Write("b.csv", "x,y\n60,\n40,60\n");

        Assert.Equal(0, await coin.InvokeAsync("metrics", "a.csv", "b.csv"));

        Assert.Contains("2 files: mean ± sample standard deviation", coin.Out);
        Assert.Contains("55.00 ± 7.07", coin.Out);
        Assert.Matches(@"BWT +-7\.500 ± 3\.536", coin.Out);
        coin.Folder.Write("c.csv", "x,z\n60,\n40,60\n");
        Assert.Equal(1, await coin.InvokeAsync("metrics", "a.csv", "c.csv"));
        Assert.Contains("a.csv has the tasks x, y, but c.csv has x, z", coin.Error);
    }

    [Fact]
    public async Task A_report_beside_its_scores_has_intervals_and_everything_is_there_as_JSON()
    {
        coin.Folder.Write(
            "r/report.json",
            """{"tasks": ["a"], "truthAlignment": {"published": {"matrix": [[50]]}, "corrected": {"matrix": [[100]]}}}"""
        );
        ScoresFile.Write(coin.Folder.PathOf("r", RunPaths.Scores(1, "a")), [new("1", 1, 1), new("2", 0, 1)]);

        Assert.Equal(0, await coin.InvokeAsync("metrics", "r/report.json", "--format", "json"));

        var matrices = JObject.Parse(coin.Out)["matrices"]!;
        Assert.Equal(["published", "corrected"], matrices.Select(matrix => (string)matrix["scoring"]!));
        Assert.Equal([0.0, 100.0], matrices[0]!["intervals"]!["maa"]!.Select(end => (double)end));
        Assert.Equal([100.0, 100.0], matrices[1]!["cellIntervals"]![0]![0]!.Select(end => (double)end));
        Assert.Equal(50, (double)matrices[0]!["metrics"]!["maa"]!);
        Assert.Equal(JTokenType.Null, matrices[0]!["metrics"]!["forwardTransfer"]!.Type);
    }

    private void WritePredictions()
    {
        coin.Folder.Write(
            "test.json",
            """
            [{"question_id": 1, "text": "t", "answer": "yes"}, {"question_id": 2, "text": "t", "answer": "no"},
             {"question_id": 3, "text": "t", "answer": "red"}, {"question_id": 4, "text": "t", "answer": "blue"}]
            """
        );
        coin.Folder.Write(
            "p.jsonl",
            """
            {"question_id": 1, "prompt": "t", "text": "Yes", "model_id": "m"}
            {"question_id": 3, "prompt": "t", "text": "It is red", "model_id": "m"}
            {"question_id": 2, "prompt": "t", "text": "No.", "model_id": "m"}
            """
        );
    }
}
