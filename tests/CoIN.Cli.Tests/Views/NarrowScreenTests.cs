using CoIN.Benchmark.Runs;
using CoIN.Cli.Tests.Support;
using CoIN.Cli.Views;

namespace CoIN.Cli.Tests.Views;

public sealed class NarrowScreenTests
{
    [Theory]
    [InlineData(59)]
    [InlineData(60)]
    [InlineData(68)]
    [InlineData(79)]
    [InlineData(99)]
    public void A_hundred_percent_everywhere_is_not_glued_to_its_neighbour(int width)
    {
        var full = Snapshots.Completed() with
        {
            Cells = [.. Snapshots.Completed().Cells.Select(row => (IReadOnlyList<double?>)[.. row.Select(_ => (double?)100)])],
        };
        var lines = MatrixGrid.Of(full, width).Lines().ToList();
        Assert.All(lines, line => Assert.InRange(line.Length, 0, width));
        Assert.All(lines.Skip(1), line => Assert.DoesNotMatch(@"100\.0+1", line));
    }

    [Fact]
    public void What_the_whole_rows_come_to_is_the_run_s_own_where_all_are()
    {
        var completed = Snapshots.Completed();
        var known = MatrixMetrics.SoFar(completed)!.Value;
        Assert.Equal((8, MatrixMetrics.MeanAverageAccuracy(completed)!.Value), (known.Rows, known.Maa));
        Assert.Equal(MatrixMetrics.BackwardTransfer(completed)!.Value, known.Bwt!.Value, 1e-9);
        Assert.Equal((1, 92.0, null), MatrixMetrics.SoFar(Snapshots.Of(1)));
        Assert.Null(MatrixMetrics.SoFar(Snapshots.Of(0)));
    }

    [Fact]
    public void The_report_comes_first_once_the_run_has_ended()
    {
        using var folder = new TemporaryFolder();
        folder.Write("report.html", "");
        Assert.Equal($"Report: {folder.PathOf("report.html")}", Summary.Lines(Snapshots.Completed(), folder.Path, 100).First());
        Assert.StartsWith("Run ", Summary.Lines(Snapshots.Of(2), folder.Path, 100).First(), StringComparison.Ordinal);
        Assert.StartsWith("Run ", Summary.Lines(Snapshots.Completed(), folder.PathOf("other"), 100).First(), StringComparison.Ordinal);
    }
}
