using CoIN.Benchmark.Metrics;
using CoIN.Benchmark.Reports;
using CoIN.Benchmark.Scoring;
using CoIN.Benchmark.Tests.Golden;
using CoIN.Benchmark.Tests.Support;

namespace CoIN.Benchmark.Tests.Metrics;

public sealed class MatrixFileTests : IDisposable
{
    private const string Published =
        "92 | 92 75 | 70 28 97 | 92 65 37 72 | 89 44 51 57 42 | 98 84 98 75 70 58 | 85 68 59 68 40 49 75 | 82 74 55 56 47 52 58 78";

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(" ")]
    [InlineData(",")]
    [InlineData(";")]
    [InlineData("\t")]
    [InlineData(", ")]
    public void Rows_of_numbers_give_the_papers_metrics(string separator)
    {
        var metrics = One(Published.Replace(" | ", "\n", StringComparison.Ordinal).Replace(" ", separator, StringComparison.Ordinal))
            .Metrics();

        Assert.Equal(71.285, metrics.Maa!.Value, 0.0005);
        Assert.Equal(-10.875, metrics.Bwt!.Value, 1e-9);
        Assert.Equal(62.75, metrics.LastAverage);
    }

    [Fact]
    [Trait("Category", "Parity")]
    public void Json_rows_give_the_metrics_of_the_reference()
    {
        foreach (var golden in GoldenFolder.Scoring("cl_metrics.json")["cases"]!)
        {
            var metrics = One(golden["A"]!.ToString()).Metrics();

            Assert.Equal((double)golden["MAA"]!, metrics.Maa!.Value, 1e-9);
            Assert.Equal((double)golden["BWT"]!, metrics.Bwt!.Value, 1e-9);
            Assert.Equal((double)golden["final_accuracy_mean"]!, metrics.LastAverage!.Value, 1e-9);
        }
    }

    [Theory]
    [InlineData("stage,after,GQA,VQAv2\n1,multi-task,60,80\n")]
    [InlineData("{\"tasks\": [\"GQA\", \"VQAv2\"], \"matrix\": [[60, 80]]}")]
    public void A_single_row_under_names_is_of_tasks_learned_at_once(string text)
    {
        var measured = One(text);

        Assert.Equal(["GQA", "VQAv2"], measured.Tasks);
        Assert.True(measured.Matrix.IsJoint);
        Assert.Equal((70.0, null), (measured.Metrics().Maa, measured.Metrics().Bwt));
    }

    [Fact]
    public void A_report_of_tasks_learned_at_once_is_read_and_is_no_zero_shot_row()
    {
        ReportFiles.Write(folder.Path, Tests.Reports.Reports.MultiTask());
        var path = folder.File("report.json");

        Assert.Equal([60, 80], MatrixFile.Read(path).First().Measured.Matrix.Final);
        Assert.Contains(
            "no zero-shot",
            Assert.Throws<CoinException>(() => MatrixFile.ReadZeroShot(path, ScoringKind.Published, ["GQA", "OCR-VQA"])).Message,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("GQA,\"a, b\"\n50,\n40.5,60\n")]
    [InlineData("after,GQA,\"a, b\"\n1,50,\n2,40.5,60\n", true)]
    [InlineData(",GQA,\"a, b\"\nGQA,50,\nb,40.5,60\n")]
    [InlineData("stage,after,GQA,\"a, b\"\n1,GQA,50,\n2,\"a, b\",40.5,60\n")]
    [InlineData("{\"tasks\": [\"GQA\", \"a, b\"], \"matrix\": [[50], [40.5, 60]]}")]
    [InlineData("{\"tasks\": [\"GQA\", \"a, b\"], \"matrix\": [[50, null], [40.5, 60]]}")]
    public void Names_are_read_where_there_are_any(string text, bool numbered = false)
    {
        if (numbered)
        {
            // A column of bare numbers on the left cannot be told from accuracies.
            Assert.Throws<CoinException>(() => One(text));
            return;
        }

        var measured = One(text);

        Assert.Equal(["GQA", "a, b"], measured.Tasks);
        Assert.Equal([50], measured.Matrix.Rows[0]);
        Assert.Equal([40.5, 60], measured.Matrix.Rows[1]);
        Assert.All(measured.BeforeTraining, cell => Assert.Null(cell));
    }

    [Theory]
    [InlineData("50 30\n40 60")]
    [InlineData("[[50, 30], [40, 60]]")]
    public void What_stands_above_the_diagonal_gives_the_forward_transfer(string text)
    {
        var measured = One(text) with { ZeroShot = MatrixFile.ReadZeroShot(folder.Write("zero.csv", "10,20"), null, ["task 1", "task 2"]) };

        Assert.Equal([null, 30], measured.BeforeTraining);
        Assert.Equal(10, measured.Metrics().ForwardTransfer);
        Assert.Equal((40 + 40) / 2.0, measured.Metrics().LearningGain);
    }

    [Fact]
    public void A_runs_own_files_are_read()
    {
        ReportFiles.Write(folder.Path, Tests.Reports.Reports.Sequential());

        var (scoring, report) = Assert.Single(MatrixFile.Read(folder.File(ReportFiles.Json)), found =>
            found.Scoring == ScoringKind.Published
        );
        var csv = Assert.Single(MatrixFile.Read(folder.File(ReportFiles.Csv))).Measured;

        Assert.Equal(ScoringKind.Published, scoring);
        Assert.All([report, csv], measured => Assert.Equal([50.128, 40, 70], measured.Matrix.Rows.SelectMany(row => row)));
        Assert.All([report, csv], measured => Assert.Equal(["GQA", "OCR-VQA"], measured.Tasks));
    }

    [Theory]
    [InlineData(ReportFiles.Json)]
    [InlineData(ReportFiles.Csv)]
    public void A_zero_shot_runs_files_give_the_zero_shot_row_by_name(string file)
    {
        ReportFiles.Write(folder.Path, Tests.Reports.Reports.ZeroShot());

        Assert.Equal([0, 5.5], MatrixFile.ReadZeroShot(folder.File(file), ScoringKind.Published, ["OCR-VQA", "GQA"]));
        Assert.Contains(
            "no accuracy matrix",
            Assert.Throws<CoinException>(() => MatrixFile.Read(folder.File(file))).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Both_scorings_of_a_report_are_found()
    {
        var found = MatrixFile.Read(
            folder.Write(
                "r.json",
                """
                {"tasks": ["a"], "truthAlignment": {"published": {"matrix": [[50]]}, "corrected": {"matrix": [[60]], "zeroShot": [1]}}}
                """
            )
        );

        Assert.Equal(
            [(ScoringKind.Published, 50.0), (ScoringKind.Corrected, 60.0)],
            found.Select(one => (one.Scoring!.Value, one.Measured.Matrix[0, 0]!.Value))
        );
        Assert.Equal([1], found[1].Measured.ZeroShot);
    }

    [Fact]
    public void A_matrix_of_a_run_that_is_not_finished_is_read_as_far_as_it_goes()
    {
        var measured = One("stage,after,a,b\n1,a,50,\n2,b,,\n");

        Assert.Equal(50, measured.Matrix[0, 0]);
        Assert.Null(measured.Metrics().Maa);
    }

    [Theory]
    [InlineData("", "is empty")]
    [InlineData("50\n40 x", "line 2: \"x\" is no number")]
    [InlineData("50\n40 1600", "1600 is no accuracy")]
    [InlineData("50\n40", "row 2 of 2 has 1 cell")]
    [InlineData("50 1 2\n40 60", "row 1 of 2 has 3 cells")]
    [InlineData("50 60 70", "row 1 of 1 has 3 cells")]
    [InlineData("[50]", "no accuracy matrix")]
    [InlineData("[[50], 4]", "4 is no row")]
    [InlineData("[[50], [\"x\", 1]]", "\"x\" is no accuracy")]
    [InlineData("{\"matrix\": [[1]], \"tasks\": [\"a\", \"b\"]}", "2 task names and 1 row")]
    [InlineData("{\"truthAlignment\": {}}", "report without a matrix")]
    [InlineData("{\"x\": 1}", "no accuracy matrix")]
    [InlineData("[[50", "line 1")]
    public void What_is_no_matrix_is_an_error_that_names_the_place(string text, string fault)
    {
        var message = Assert.Throws<CoinException>(() => One(text)).Message;

        Assert.StartsWith(folder.File("matrix"), message, StringComparison.Ordinal);
        Assert.Contains(fault, message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_zero_shot_row_of_another_length_is_an_error() =>
        Assert.Contains(
            "3 zero-shot accuracies for 2 tasks",
            Assert.Throws<CoinException>(() => MatrixFile.ReadZeroShot(folder.Write("zero.csv", "10,20,30"), null, ["a", "b"])).Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void A_missing_file_is_an_error() =>
        Assert.Contains(
            "Cannot read the matrix file",
            Assert.Throws<CoinException>(() => MatrixFile.Read(folder.File("x"))).Message,
            StringComparison.Ordinal
        );

    private MeasuredMatrix One(string text) => Assert.Single(MatrixFile.Read(folder.Write("matrix", text))).Measured;
}
