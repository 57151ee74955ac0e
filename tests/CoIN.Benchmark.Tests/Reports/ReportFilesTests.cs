using CoIN.Benchmark.Reports;
using CoIN.Benchmark.Tests.Support;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace CoIN.Benchmark.Tests.Reports;

public sealed class ReportFilesTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Every_form_is_written_and_named()
    {
        var written = ReportFiles.Write(folder.Path, Reports.Sequential());

        Assert.Equal(written.Order(StringComparer.Ordinal), Directory.GetFiles(folder.Path).Order(StringComparer.Ordinal));
        Assert.Equal(
            ["cells.csv", "matrix.csv", "report.html", "report.json", "report.md", "table.csv", "table.json", "table.md", "table.tex"],
            Directory.GetFiles(folder.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    public void The_json_report_has_run_tasks_stages_and_hashes()
    {
        var json = Json(Reports.Sequential());

        Assert.Equal("tiny-42", (string)json["run"]!);
        Assert.Equal("sequential-lora", (string)json["method"]!);
        Assert.Equal(42, (int)json["seed"]!);
        Assert.Equal("base0", (string)json["baseModelSha256"]!);
        Assert.Equal(["GQA", "OCR-VQA"], json["tasks"]!.Select(task => (string)task!));
        Assert.Equal("adapter1", (string)json["stages"]![0]!["adapterSha256"]!);
        Assert.Equal("projector1", (string)json["stages"]![0]!["projectorSha256"]!);
        Assert.Equal("OCR-VQA", (string)json["stages"]![1]!["task"]!);
        Assert.Equal(JTokenType.Null, json["stages"]![1]!["projectorSha256"]!.Type);
        Assert.Equal(
            "{\"learningRate\":0.0002,\"kind\":\"constant\",\"warmupSteps\":2,\"totalSteps\":20,\"globalBatchSize\":32}",
            json["stages"]![1]!["schedule"]!.ToString(Formatting.None)
        );
        Assert.Equal(["p11", "p21", "p22"], json["predictions"]!.Select(cell => (string)cell["sha256"]!));
        Assert.Equal(["d1", "d2"], json["dataFiles"]!.Select(file => (string)file["sha256"]!));
    }

    [Fact]
    public void The_json_report_has_the_square_matrix_with_its_metrics()
    {
        var published = Json(Reports.Sequential())["truthAlignment"]!["published"]!;

        Assert.Equal("[[50.128,null],[40.0,70.0]]", published["matrix"]!.ToString(Formatting.None));
        Assert.Equal("[[20,null],[20,30]]", published["samples"]!.ToString(Formatting.None));
        Assert.Equal((50.128 + 55) / 2, (double)published["maa"]!);
        Assert.Equal((40 - 50.128) / 2, (double)published["bwt"]!);
        Assert.Null(published["zeroShot"]);
    }

    [Fact]
    public void Metrics_are_null_while_a_cell_is_missing()
    {
        var report = Reports.Sequential();
        var published = Json(report with { Cells = [.. report.Cells.Skip(1)] })["truthAlignment"]!["published"]!;

        Assert.Equal("[[50.128,null],[40.0,null]]", published["matrix"]!.ToString(Formatting.None));
        Assert.Equal(JTokenType.Null, published["maa"]!.Type);
        Assert.Equal(JTokenType.Null, published["bwt"]!.Type);
    }

    [Fact]
    public void A_zero_shot_report_has_accuracies_but_no_stages()
    {
        var json = Json(Reports.ZeroShot());
        var published = json["truthAlignment"]!["published"]!;

        Assert.Empty(json["stages"]!);
        Assert.Equal("[5.5,0.0]", published["zeroShot"]!.ToString(Formatting.None));
        Assert.Equal("[20,30]", published["zeroShotSamples"]!.ToString(Formatting.None));
        Assert.Equal("[[null,null],[null,null]]", published["matrix"]!.ToString(Formatting.None));
        Assert.Equal("[[null,null],[null,null]]", published["samples"]!.ToString(Formatting.None));
    }

    [Fact]
    public void Tasks_learned_at_once_have_one_row_in_every_form_and_no_transfer_with_the_reason()
    {
        var json = Json(Reports.MultiTask());
        var published = json["truthAlignment"]!["published"]!;
        Assert.Equal("[[60.0,80.0]]", published["matrix"]!.ToString(Formatting.None));
        Assert.Equal("[[20,30]]", published["samples"]!.ToString(Formatting.None));
        Assert.Equal((70, JTokenType.Null), ((double)published["maa"]!, published["bwt"]!.Type));
        Assert.Equal("not defined: all tasks were learned at once, and nothing after them", (string)published["undefined"]!["bwt"]!);
        Assert.Equal("[[null,null]]", json["intervals"]!["published"]!["cells"]!.ToString(Formatting.None));

        string Text(string name) => File.ReadAllText(folder.File(name));
        Assert.Equal("stage,after,GQA,OCR-VQA\n1,multi-task,60,80\n", Text("matrix.csv"));
        Assert.Contains("truth-alignment,published,,1,multi-task,OCR-VQA,80,30,", Text("cells.csv"), StringComparison.Ordinal);
        Assert.Contains("| 1 multi-task | 60.00 | 80.00 |", Text("report.md"), StringComparison.Ordinal);
        Assert.Contains("of tasks): – (not defined: all tasks were learned at once", Text("report.md"), StringComparison.Ordinal);
        Assert.DoesNotContain("just trained", Text("report.md"), StringComparison.Ordinal);
        Assert.EndsWith("rules | final | 60.00 | 80.00 | 70.00 | – |\n\n", Text("table.md"), StringComparison.Ordinal);
        Assert.Contains("final & 60.00 & 80.00 & 70.00 & -- \\\\\n", Text("table.tex"), StringComparison.Ordinal);
        Assert.Contains("BWT not defined: all tasks", Text("table.tex"), StringComparison.Ordinal);
        Assert.EndsWith(",final,60,80,70,\n", Text("table.csv"), StringComparison.Ordinal);
        Assert.Contains("\"undefined\"", Text("table.json"), StringComparison.Ordinal);
        var page = Text("report.html");
        Assert.DoesNotContain("Forgetting curves", page, StringComparison.Ordinal);
        Assert.DoesNotContain("This run is", page, StringComparison.Ordinal);
        Assert.Contains("<b>–</b><span>not defined: all tasks", page, StringComparison.Ordinal);
        Assert.Contains("1 multi-task", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Only_the_provenance_depends_on_time()
    {
        var report = Reports.Sequential();
        var one = Json(report);
        var other = Json(
            report with
            {
                Started = report.Started!.Value.AddDays(3),
                Finished = null,
                Stages =
                [
                    .. report.Stages.Select(stage => stage with { Trained = stage.Trained with { Seconds = stage.Trained.Seconds * 2 } }),
                ],
            }
        );

        Assert.False(JToken.DeepEquals(one, other));
        Assert.Equal("2025-01-02T02:04:05Z", (string)one["provenance"]!["started"]!);
        Assert.Equal("[12.25,24.5]", one["provenance"]!["trainingSeconds"]!.ToString(Formatting.None));
        one.Remove("provenance");
        other.Remove("provenance");
        Assert.True(JToken.DeepEquals(one, other));
    }

    [Fact]
    public void The_same_report_gives_the_same_bytes_with_line_feeds()
    {
        ReportFiles.Write(folder.Path, Reports.Sequential());
        var first = File.ReadAllBytes(folder.File("report.json"));
        ReportFiles.Write(folder.Path, Reports.Sequential());

        Assert.Equal(first, File.ReadAllBytes(folder.File("report.json")));
        Assert.DoesNotContain((byte)'\r', first);
    }

    [Fact]
    public void The_markdown_report_shows_matrix_metrics_settings_and_counts()
    {
        ReportFiles.Write(folder.Path, Reports.Sequential());
        var text = File.ReadAllText(folder.File("report.md"));

        Assert.Contains(
            "| after | GQA | OCR-VQA |\n| --- | --- | --- |\n| 1 GQA | 50.13 |  |\n| 2 OCR-VQA | 40.00 | 70.00 |\n",
            text,
            StringComparison.Ordinal
        );
        Assert.Contains("| final | 40.00 | 70.00 |", text, StringComparison.Ordinal);
        Assert.Contains("| just trained | 50.13 | 70.00 |", text, StringComparison.Ordinal);
        Assert.Contains("MAA, mean average accuracy: 52.56 %", text, StringComparison.Ordinal);
        Assert.Contains("-5.06 points", text, StringComparison.Ordinal);
        Assert.Contains(
            "| 2 | OCR-VQA | 200 | 20 | 16 | 2 | 2 | 32 | 0.0002 | constant | 2 | 20 | 0.2500 | 2000 | 24.5 |",
            text,
            StringComparison.Ordinal
        );
        Assert.Contains("| seed | 42 |", text, StringComparison.Ordinal);
        Assert.Contains("| GQA | test | GQA/test.json | 20 | d2 |", text, StringComparison.Ordinal);
        Assert.Contains("| 2 | OCR-VQA | 70.00 | 30 | p/2-2.jsonl | p22 |", text, StringComparison.Ordinal);
        Assert.Contains("| 2 | OCR-VQA | adapter2 | not trained |", text, StringComparison.Ordinal);
        Assert.Contains("| started | 2025-01-02 02:04:05 UTC |", text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_zero_shot_markdown_shows_one_row()
    {
        ReportFiles.Write(folder.Path, Reports.ZeroShot());

        Assert.Contains(
            "| GQA | OCR-VQA |\n| --- | --- |\n| 5.50 | 0.00 |\n",
            File.ReadAllText(folder.File("report.md")),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void The_csv_matrix_is_unrounded_and_quoted_where_needed()
    {
        var report = Reports.Sequential();
        Assert.Equal("stage,after,GQA,OCR-VQA\n1,GQA,50.128,\n2,OCR-VQA,40,70\n", Csv(report));
        Assert.Equal("stage,after,GQA,OCR-VQA\n0,,5.5,0\n", Csv(Reports.ZeroShot()));
        Assert.StartsWith(
            "stage,after,\"a, \"\"b\"\"\"\n",
            Csv(report with { Tasks = ["a, \"b\""], Cells = [], Stages = [] }),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_cell_of_an_unknown_task_is_refused() =>
        Assert.Throws<ArgumentException>(() => (Reports.Sequential() with { Tasks = ["GQA", "VQAv2"] }).Matrix());

    private JObject Json(RunReport report)
    {
        ReportFiles.Write(folder.Path, report);
        using var reader = new JsonTextReader(new StringReader(File.ReadAllText(folder.File("report.json"))))
        {
            DateParseHandling = DateParseHandling.None,
        };
        return JObject.Load(reader);
    }

    private string Csv(RunReport report)
    {
        ReportFiles.Write(folder.Path, report);
        return File.ReadAllText(folder.File("matrix.csv"));
    }
}
