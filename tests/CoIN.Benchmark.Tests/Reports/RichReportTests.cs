using CoIN.Benchmark.Reports;
using CoIN.Benchmark.Reports.Examples;
using CoIN.Benchmark.Scoring;
using CoIN.Benchmark.Steps;
using CoIN.Benchmark.Tests.Support;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace CoIN.Benchmark.Tests.Reports;

public sealed class RichReportTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly RichRun run;

    public RichReportTests() => run = new RichRun(folder);

    public void Dispose() => folder.Dispose();

    [Fact]
    public void The_json_report_has_both_scorings_the_judges_and_intervals()
    {
        Write(run.Report);
        var json = JObject.Parse(Text("report.json"));

        Assert.Equal("[[75.0,null,null],[50.0,75.0,null],[50.0,50.0,75.0]]", Compact(json["truthAlignment"]!["corrected"]!["matrix"]!));
        Assert.Equal("[[4,null,null],[4,4,null],[4,4,4]]", Compact(json["truthAlignment"]!["corrected"]!["samples"]!));
        Assert.Equal(-100.0 / 3, (double)json["metrics"]!["published"]!["bwt"]!, 1e-9);
        Assert.Equal(-50.0 / 3, (double)json["truthAlignment"]!["corrected"]!["bwt"]!, 1e-9);
        Assert.Equal(0.95, (double)json["intervals"]!["level"]!);
        Assert.True((double)json["intervals"]!["published"]!["maa"]![0]! < (double)json["metrics"]!["published"]!["maa"]!);
        Assert.Equal(JTokenType.Null, json["intervals"]!["published"]!["cells"]![0]![1]!.Type);
        var judge = json["reasoningCapability"]!["judges"]!.Single();
        Assert.Equal("words lexical 6", $"{judge["judge"]} {judge["kind"]} {judge["unparsable"]}");
        Assert.Equal(60, (double)judge["published"]!["matrix"]![0]![0]!);
        Assert.Equal(80, (double)judge["corrected"]!["matrix"]![0]![0]!);
        Assert.Equal("[[3,null,null],[3,3,null],[3,3,3]]", Compact(judge["corrected"]!["samples"]!));
        Assert.Equal(60 - 75.0, (double)json["instructionFollowing"]!["judges"]![0]!["published"]!["matrix"]![0]![0]!, 1e-9);
        Assert.Equal(ProductVersion.Current, (string)json["provenance"]!["version"]!);
    }

    [Fact]
    public void How_training_and_testing_went_is_in_every_form()
    {
        using (var file = StepsFile.Open(folder.File("training/1-ScienceQA.jsonl"), 0))
        {
            for (var step = 1; step <= 30; step++)
            {
                file.Append(new StepRecord(step, 40, 2.0 / step, 1e-3, 1, 4, 100, 0.5, 3 << 20, DateTimeOffset.UnixEpoch));
            }
        }

        Write(
            run.Report with
            {
                Steps = [new(1, "ScienceQA", "training/1-ScienceQA.jsonl"), new(2, "GQA", "training/2-GQA.jsonl")],
                Cells = [.. run.Report.Cells.Select(cell => cell with { AnswerSeconds = cell.Stage == 2 ? 0.5 : null })],
            }
        );

        var stage = JObject.Parse(Text("report.json"))["provenance"]!["stages"]!.Single();
        Assert.Equal("1 30 40 3000 15", $"{stage["stage"]} {stage["steps"]} {stage["totalSteps"]} {stage["tokens"]} {stage["seconds"]}");
        var page = Text("report.html");
        Assert.Contains("aria-label=\"ScienceQA: loss from 2.000 to 0.079 over 30 of 40 steps\"", page, StringComparison.Ordinal);
        Assert.DoesNotContain("aria-label=\"GQA: loss", page, StringComparison.Ordinal);
        var text = string.Join(
            '\n',
            Text("report.md").Split('\n').Select(line => string.Join('|', line.Split('|').Select(cell => cell.Trim())))
        );
        Assert.Contains("|1|ScienceQA|30 of 40|0.0794 (mean of 10)|3000|15.0|200|3|", text, StringComparison.Ordinal);
        Assert.Contains("|2 GQA|8.0|8.0||", text, StringComparison.Ordinal);
    }

    [Fact]
    public void What_nobody_reads_row_by_row_is_folded()
    {
        Write(run.Report);
        var page = Text("report.html");
        Assert.Contains("<summary>Predictions with their SHA-256 (6)</summary>", page, StringComparison.Ordinal);
        Assert.Contains("<summary>Adapters with their SHA-256 (3)</summary>", page, StringComparison.Ordinal);
    }

    [Fact]
    public void The_page_needs_nothing_but_itself_and_escapes_what_it_shows()
    {
        Write(run.Report);
        var page = Text("report.html");

        Assert.DoesNotContain("<script", page, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("http://", page, StringComparison.Ordinal);
        Assert.DoesNotContain("https://", page, StringComparison.Ordinal);
        Assert.DoesNotContain("A<B", page, StringComparison.Ordinal);
        Assert.Contains("A&lt;B", page, StringComparison.Ordinal);
        Assert.Contains("truth &lt;0&gt;", page, StringComparison.Ordinal);
        Assert.Equal(4, page.Split("class=\"panel\"").Length - 1);
        Assert.Contains("Reasoning Capability by words, published parser", page, StringComparison.Ordinal);
        Assert.Contains("a rule that compares words, no language model", page, StringComparison.Ordinal);
        Assert.Contains("data:image/png;base64,AQID", page, StringComparison.Ordinal);
        Assert.DoesNotContain("This run is", page, StringComparison.Ordinal);
    }

    [Fact]
    public void A_judge_without_a_single_score_has_no_number_in_any_form_but_a_warning_with_the_remedy()
    {
        Write(
            run.Report with
            {
                Cells =
                [
                    .. run.Report.Cells.Select(cell =>
                        cell with
                        {
                            Judgements =
                            [
                                cell.Judgements[0] with
                                {
                                    Corrected = null,
                                    Unparsable = 4,
                                    Unscored = [new("length", true, 4)],
                                },
                            ],
                        }
                    ),
                ],
            }
        );
        var judge = JObject.Parse(Text("report.json"))["reasoningCapability"]!["judges"]![0]!;
        Assert.Equal("[[null,null,null],[null,null,null],[null,null,null]]", Compact(judge["published"]!["matrix"]!));
        Assert.Equal((JTokenType.Null, JTokenType.Null), (judge["published"]!["maa"]!.Type, judge["corrected"]!.Type));
        Assert.DoesNotContain("reasoning-capability", Text("cells.csv"), StringComparison.Ordinal);
        foreach (var form in new[] { (string)judge["warning"]!, Text("report.md"), Text("report.html") })
        {
            Assert.Contains(
                "24 of 24 replies of the judge words have no score: 24 ended at the token limit",
                form,
                StringComparison.Ordinal
            );
            Assert.Contains("raise judge.max-tokens", form, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void The_same_run_gives_the_same_page()
    {
        Write(run.Report);
        var first = Text("report.html");
        Write(run.Report);

        Assert.Equal(first, Text("report.html"));
    }

    [Fact]
    public void Examples_show_what_was_forgotten_what_only_has_the_wrong_form_what_was_kept_and_what_was_never_learned()
    {
        var examples = ExamplePicker.Pick(run.Report, folder.Path, run.Data(new Aids()));

        Assert.Equal(
            [
                "Forgotten ScienceQA-0",
                "Forgotten GQA-0",
                "WrongForm ScienceQA-1",
                "WrongForm GQA-1",
                "Kept ScienceQA-2",
                "Kept GQA-2",
                "Kept A<B-0",
                "NotLearned ScienceQA-3",
                "NotLearned GQA-3",
                "NotLearned A<B-3",
            ],
            examples.Select(one => $"{one.Kind} {one.Sample.QuestionId}")
        );
        Assert.Equal([1, 3], examples[0].Answers.Select(answer => answer.Stage));
        Assert.Equal("answer 0 of stage 3", examples[0].Answers[1].Text);
        Assert.Equal(8, examples[2].Answers[1].Judged.Single().Score);
        Assert.Equal("/images/./0.png", System.Text.Encoding.UTF8.GetString(examples[0].Picture!.Bytes.AsSpan(3)));
    }

    [Fact]
    public void A_wrong_form_that_is_gone_at_the_end_is_shown_from_the_last_stage_that_has_it()
    {
        ScoresFile.Write(folder.File("scores/3-0.jsonl"), [.. Enumerable.Range(0, 4).Select(n => new SampleScore($"ScienceQA-{n}", 0, 0))]);
        var report = run.Report with
        {
            Cells = [.. run.Report.Cells.Select(cell => cell.Stage == 3 ? cell with { Judgements = [] } : cell)],
        };

        var example = ExamplePicker
            .Pick(report, folder.Path, run.Data())
            .Single(one => one is { Kind: ExampleKind.WrongForm, Task: "ScienceQA" });

        Assert.Equal(("ScienceQA-1", 2), (example.Sample.QuestionId, example.Answers[^1].Stage));
    }

    [Fact]
    public void A_report_does_without_pictures_test_files_predictions_and_scores()
    {
        Assert.All(ExamplePicker.Pick(run.Report, folder.Path, run.Data()), one => Assert.Null(one.Picture));
        Assert.Empty(ExamplePicker.Pick(run.Report, folder.Path, run.Data() with { Samples = _ => null }));
        Directory.Delete(folder.File("scores"), recursive: true);
        Assert.Empty(ExamplePicker.Pick(run.Report, folder.Path, run.Data()));
        Write(run.Report);
        Assert.DoesNotContain(
            "95 % interval</span>",
            Text("report.html").Split("id=\"p-corrected\"")[0].Split("id=\"p-published\"")[1],
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void An_unfinished_run_says_so_and_shows_what_it_has()
    {
        Write(run.Report with { Status = "stopped", Cells = [.. run.Report.Cells.Take(2)] });
        var page = Text("report.html");

        Assert.Contains("This run is stopped: 2 of 6 cells are scored.", page, StringComparison.Ordinal);
        Assert.Contains("not measured yet", page, StringComparison.Ordinal);
        Assert.Contains("| final | - | - | - | - | - |", Text("table.md"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_that_has_not_scored_anything_is_reported()
    {
        Write(run.Report with { Status = "running", Cells = [], Stages = [] });

        Assert.Contains("0 of 6 cells", Text("report.html"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_zero_shot_run_has_one_row_and_no_curves()
    {
        ReportFiles.Write(folder.Path, Reports.ZeroShot());
        var page = Text("report.html");

        Assert.Contains("untrained model", page, StringComparison.Ordinal);
        Assert.DoesNotContain("Forgetting curves", page, StringComparison.Ordinal);
        Assert.Contains("zero-shot,5.5,0,,", Text("table.csv"), StringComparison.Ordinal);
    }

    [Fact]
    public void Cells_are_listed_with_samples_and_intervals()
    {
        Write(run.Report);
        var lines = Text("cells.csv").Split('\n');

        Assert.Equal("measure,scoring,judge,stage,after,task,percent,samples,low,high", lines[0]);
        Assert.StartsWith("truth-alignment,published,,1,ScienceQA,ScienceQA,75,4,", lines[1], StringComparison.Ordinal);
        Assert.Contains(lines, line => line.StartsWith("reasoning-capability,corrected,words,3,A<B,A<B,80,3,", StringComparison.Ordinal));
        Assert.Equal(1 + (4 * 6) + 1, lines.Length);
    }

    [Fact]
    public void Tables_have_the_papers_shape()
    {
        Write(run.Report);

        Assert.StartsWith(
            "| measure | row | ScienceQA | GQA | A<B | MAA | BWT |\n| --- | --- | --- | --- | --- | --- | --- |\n"
                + "| Truth Alignment, published rules | just trained | 75.00 | 75.00 | 75.00 |  |  |\n"
                + "| Truth Alignment, published rules | final | 25.00 | 25.00 | 75.00 | 55.56 | -33.33 |\n",
            Text("table.md"),
            StringComparison.Ordinal
        );
        var latex = Text("table.tex");
        Assert.Contains("final & 25.00 & 25.00 & 75.00 & 55.56 & $-$33.33 \\\\\n", latex, StringComparison.Ordinal);
        Assert.Contains("\\caption{tiny: accuracy in percent", latex, StringComparison.Ordinal);
        Assert.Contains("\\begin{tabular}{lrrrrr}\n\\toprule\n", latex, StringComparison.Ordinal);
        Assert.Equal("[25.0,25.0,75.0]", Compact(JObject.Parse(Text("table.json"))["rows"]![1]!["accuracies"]!));
    }

    [Fact]
    public void Special_characters_do_not_break_latex()
    {
        Write(run.Report with { Name = "50%_of{a}\\b" });

        Assert.Contains("50\\%\\_of\\{a\\}\\textbackslash{}b: accuracy", Text("table.tex"), StringComparison.Ordinal);
    }

    [Fact]
    public void Damaged_judgements_are_named_with_their_line()
    {
        folder.Write(
            "judgements/1-0.jsonl",
            "{\"question_id\":\"x\",\"reply\":\"\",\"published\":1,\"corrected\":1}\n{\"question_id\":\"y\"}\n"
        );

        Assert.Contains("1-0.jsonl, line 2", Assert.Throws<CoinException>(() => Write(run.Report)).Message, StringComparison.Ordinal);
    }

    private void Write(RunReport report) => ReportFiles.Write(folder.Path, report, run.Data(new Aids()));

    private string Text(string name) => File.ReadAllText(folder.File(name));

    private static string Compact(JToken token) => token.ToString(Formatting.None);

    private sealed class Aids : IReportAids
    {
        public Thumbnail? Thumbnail(string path, int longestSide) =>
            new("image/png", [1, 2, 3, .. System.Text.Encoding.UTF8.GetBytes(path)], 48, 48);

        public ModelDescription? Describe(Experiments.ModelOptions model) => null;
    }
}
