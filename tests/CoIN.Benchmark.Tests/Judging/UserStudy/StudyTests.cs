using CoIN.Benchmark.Data;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Judging.UserStudy;
using CoIN.Benchmark.Tests.Support;

namespace CoIN.Benchmark.Tests.Judging.UserStudy;

public sealed class StudyTests : IDisposable
{
    private static readonly Dictionary<string, JudgeRule> Rules = new() { ["GQA"] = JudgeRule.CoIN, ["Grounding"] = JudgeRule.Grounding };

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void The_same_options_draw_the_same_study_and_another_seed_another()
    {
        var (one, same, other) = (Draw(8, 1), Draw(8, 1), Draw(8, 2));
        Assert.Equal(one.Items, same.Items);
        Assert.Equal(one.Id, same.Id);
        Assert.NotEqual(one.Id, other.Id);
    }

    [Fact]
    public void Answers_come_evenly_from_the_cells_and_each_once()
    {
        var study = Draw(9, 1);
        Assert.Equal(9, study.Items.Count);
        Assert.Equal(9, study.Items.Select(item => item.Code).Distinct().Count());
        var grounding = study.Key.Items.Count(item => item.Task == "Grounding");
        Assert.InRange(grounding, 3, 4);
    }

    [Fact]
    public void An_answer_that_several_stages_gave_is_scored_once_for_all_of_them()
    {
        TestSample[] samples = [new("q1", null, "Q", "t")];
        var study = Study.Draw(
            "r",
            [new(1, "GQA", samples, [new("q1", "same")]), new(2, "GQA", samples, [new("q1", "same")])],
            Rules,
            10,
            1
        );
        Assert.Equal([1, 2], Assert.Single(study.Key.Items).Stages);
    }

    [Fact]
    public void The_page_tells_neither_stage_nor_question_id_and_needs_no_network()
    {
        var study = Draw(12, 1);
        var page = StudyPage.Render(study, path => $"data:image/png;base64,{path}");
        Assert.DoesNotContain("gqa-", page, StringComparison.Ordinal);
        Assert.DoesNotContain("\"stage\"", page, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("http", page, StringComparison.Ordinal);
        Assert.Contains("data:image/png;base64,", page, StringComparison.Ordinal);
        Assert.DoesNotContain("null;\nconst store", page, StringComparison.Ordinal);
    }

    [Fact]
    public void An_answer_cannot_break_out_of_the_page()
    {
        var study = Study.Draw("r", [new(1, "GQA", [new("q", null, "Q", "t")], [new("q", "</script><b>")])], Rules, 1, 1);
        Assert.DoesNotContain("</script><b>", StudyPage.Render(study, path => path), StringComparison.Ordinal);
    }

    [Fact]
    public void The_key_is_read_back()
    {
        var study = Draw(5, 1);
        study.Key.Write(folder.File("k.json"));
        Assert.Equivalent(study.Key, StudyKey.Read(folder.File("k.json")), strict: true);
        Assert.Contains(
            "k2.json",
            Assert.Throws<CoinException>(() => StudyKey.Read(folder.File("k2.json"))).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Scores_are_read_with_either_separator_and_open_ones_passed_over()
    {
        var comma = folder.Write("ann.csv", "study,rater,sample,score\nab,Ann,A001,7\nab,Ann,A002,\nab,Ann,A003,8.5\n");
        Assert.Equal([new StudyScore("ab", "Ann", "A001", 7), new StudyScore("ab", "Ann", "A003", 8.5)], StudyScores.Read(comma));
        var semicolon = folder.Write("ben.csv", "\uFEFFstudy;rater;sample;score\r\nab;;A001;7,5\r\n");
        Assert.Equal([new StudyScore("ab", "ben", "A001", 7.5)], StudyScores.Read(semicolon));
    }

    [Theory]
    [InlineData("study,rater,sample,score\nab,Ann,A001,11\n", "line 2")]
    [InlineData("study,rater,sample,score\nab,Ann,A001,good\n", "line 2")]
    [InlineData("a,b\n", "line 1")]
    [InlineData("study,rater,sample,score\nab,Ann,A001,\n", "no scores")]
    public void What_is_no_score_is_named(string text, string where) =>
        Assert.Contains(
            where,
            Assert.Throws<CoinException>(() => StudyScores.Read(folder.Write("x.csv", text))).Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void The_template_has_a_line_for_every_answer()
    {
        var study = Draw(3, 1);
        Assert.Equal(
            ["study,rater,sample,score", .. study.Items.Select(item => $"{study.Id},,{item.Code},")],
            StudyScores.Template(study).TrimEnd().Split('\n')
        );
    }

    private static Study Draw(int count, int seed)
    {
        StudyCell Cell(int stage, string task) =>
            new(
                stage,
                task,
                [
                    .. Enumerable
                        .Range(0, 6)
                        .Select(i => new TestSample($"{task.ToLowerInvariant()}-{i}", $"{i}.png", $"Question {i}\nInstruction", "t")),
                ],
                [.. Enumerable.Range(0, 6).Select(i => new Prediction($"{task.ToLowerInvariant()}-{i}", $"answer {stage} {i}"))]
            );
        return Study.Draw("r", [Cell(1, "GQA"), Cell(2, "GQA"), Cell(2, "Grounding")], Rules, count, seed);
    }
}
