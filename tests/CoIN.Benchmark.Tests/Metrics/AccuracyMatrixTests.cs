using CoIN.Benchmark.Metrics;
using CoIN.Benchmark.Tests.Golden;

namespace CoIN.Benchmark.Tests.Metrics;

public sealed class AccuracyMatrixTests
{
    private static readonly double?[][] Published =
    [
        [92],
        [92, 75],
        [70, 28, 97],
        [92, 65, 37, 72],
        [89, 44, 51, 57, 42],
        [98, 84, 98, 75, 70, 58],
        [85, 68, 59, 68, 40, 49, 75],
        [82, 74, 55, 56, 47, 52, 58, 78],
    ];

    [Fact]
    [Trait("Category", "Parity")]
    public void Maa_and_bwt_are_those_of_the_papers_formulas()
    {
        foreach (var golden in GoldenFolder.Scoring("cl_metrics.json")["cases"]!)
        {
            var rows = golden["A"]!.Select(row => (IReadOnlyList<double?>)[.. row.Select(cell => (double?)cell)]).ToList();
            var matrix = new AccuracyMatrix(rows);

            Assert.Equal((double)golden["MAA"]!, matrix.Maa!.Value, 1e-9);
            Assert.Equal((double)golden["BWT"]!, matrix.Bwt!.Value, 1e-9);
            Assert.Equal((double)golden["final_accuracy_mean"]!, matrix.Final.Average()!.Value, 1e-9);
        }
    }

    [Fact]
    public void The_papers_reasoning_matrix_gives_the_papers_numbers()
    {
        var matrix = new AccuracyMatrix(Published);

        Assert.Equal(71.285, matrix.Maa!.Value, 0.0005);
        Assert.Equal(-10.875, matrix.Bwt!.Value, 1e-9);
        Assert.Equal([92, 75, 97, 72, 42, 58, 75, 78], matrix.JustTrained);
    }

    [Fact]
    public void Tasks_learned_at_once_have_one_row_whose_mean_is_maa_and_no_transfer()
    {
        var matrix = new AccuracyMatrix([
            [60.0, 80.0, 10.0],
        ]);

        Assert.True(matrix.IsJoint);
        Assert.Equal((3, 1), (matrix.Tasks, matrix.Stages));
        Assert.Equal(50, matrix.Maa);
        Assert.Equal((null, null), (matrix.Bwt, matrix.Forgetting));
        Assert.Equal([60, 80, 10], matrix.Final);
        Assert.Equal(matrix.Final, matrix.JustTrained);
        Assert.Equal(
            20,
            new MeasuredMatrix(["a", "b", "c"], matrix) { ZeroShot = [30, 50, 10] }
                .Metrics()
                .LearningGain
        );
        Assert.Null(matrix.Unmeasured().Maa);
        Assert.True(matrix.Unmeasured().Has(0, 2));
        Assert.False(
            new AccuracyMatrix([
                [50.0],
            ]).IsJoint
        );
        Assert.Equal(
            0,
            new AccuracyMatrix([
                [50.0],
            ]).Bwt
        );
    }

    [Fact]
    public void Not_every_task_needs_to_be_tested_after_every_stage()
    {
        var matrix = new AccuracyMatrix(
            2,
            [
                [0],
                [1],
            ]
        )
        {
            [0, 0] = 40,
            [1, 1] = 60,
        };

        Assert.Equal((50.0, null), (matrix.Maa, matrix.Bwt));
        Assert.Equal([null, 60], matrix.Final);
        Assert.Equal([40, 60], matrix.JustTrained);
        Assert.Throws<ArgumentOutOfRangeException>(() => matrix[1, 0]);
    }

    [Fact]
    public void There_are_no_metrics_until_the_last_cell_is_known()
    {
        var matrix = new AccuracyMatrix(2);
        matrix[0, 0] = 50;
        matrix[1, 1] = 70;
        Assert.Null(matrix.Maa);
        Assert.Null(matrix.Bwt);
        Assert.False(matrix.IsComplete);

        matrix[1, 0] = 40;
        Assert.Equal((50 + 55) / 2.0, matrix.Maa);
        Assert.Equal(-5, matrix.Bwt);
    }

    [Fact]
    public void Square_rows_with_nothing_above_the_diagonal_are_read()
    {
        var matrix = new AccuracyMatrix([
            [1.5, null],
            [2, 3],
        ]);

        Assert.Equal(1.5, matrix[0, 0]);
        Assert.Equal([2, 3], matrix.Rows[1]);
    }

    [Fact]
    public void Rows_that_are_no_lower_triangle_are_refused()
    {
        Assert.Throws<ArgumentException>(() =>
            new AccuracyMatrix([
                [1.0, 2.0],
                [3.0, 4.0],
            ])
        );
        Assert.Throws<ArgumentException>(() =>
            new AccuracyMatrix([
                [1.0],
                [3.0],
            ])
        );
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(2, 0)]
    [InlineData(-1, 0)]
    [InlineData(1, -1)]
    public void Cells_outside_the_triangle_are_refused(int stage, int task) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new AccuracyMatrix(2)[stage, task]);

    [Theory]
    [InlineData(-0.1)]
    [InlineData(1000.5)]
    [InlineData(double.NaN)]
    public void Only_percentages_are_accepted(double value) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new AccuracyMatrix(1)[0, 0] = value);
}
