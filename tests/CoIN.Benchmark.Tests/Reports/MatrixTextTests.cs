using CoIN.Benchmark.Reports;

namespace CoIN.Benchmark.Tests.Reports;

public sealed class MatrixTextTests
{
    private static readonly string[] Paper = ["ScienceQA", "TextVQA", "ImageNet", "GQA", "VizWiz", "Grounding", "VQAv2", "OCR-VQA"];

    [Fact]
    public void Columns_are_aligned_and_unknown_cells_marked() =>
        Assert.Equal(
            """
            after        ScienceQA     GQA
            1 ScienceQA      50.00
            2 GQA                -  100.00
            MAA -  BWT -

            """.ReplaceLineEndings("\n"),
            MatrixText.Render(
                ["ScienceQA", "GQA"],
                [
                    [50],
                    [null, 100],
                ],
                null,
                null
            )
        );

    [Fact]
    public void Metrics_stand_below_the_matrix() =>
        Assert.EndsWith(
            "\nMAA 71.29  BWT -10.88\n",
            MatrixText.Render(
                ["GQA"],
                [
                    [71.0],
                ],
                71.289,
                -10.876
            ),
            StringComparison.Ordinal
        );

    [Fact]
    public void What_is_rounded_to_nothing_has_no_sign() =>
        Assert.EndsWith(
            "BWT 0.00\n",
            MatrixText.Render(
                ["GQA"],
                [
                    [71.0],
                ],
                71,
                -0.001
            ),
            StringComparison.Ordinal
        );

    [Fact]
    public void A_square_matrix_shows_nothing_above_the_diagonal() =>
        Assert.Equal(
            MatrixText.Render(
                ["a", "b"],
                [
                    [1],
                    [2, 3],
                ],
                1,
                2
            ),
            MatrixText.Render(
                ["a", "b"],
                [
                    [1, null],
                    [2, 3],
                ],
                1,
                2
            )
        );

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Eight_tasks_fit_into_a_hundred_columns(bool longNames)
    {
        var tasks = longNames ? [.. Paper.Select(name => name + " with a very long name")] : Paper;
        var cells = tasks.Select((_, stage) => (IReadOnlyList<double?>)[.. Enumerable.Repeat<double?>(100, stage + 1)]).ToList();
        var lines = MatrixText.Render(tasks, cells, 100, -100).Split('\n');

        Assert.All(lines, line => Assert.True(line.Length <= 100, line));
        Assert.Equal(lines[0].Length, lines[8].Length);
    }
}
