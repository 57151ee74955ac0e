using CoIN.Benchmark.Steps;
using CoIN.Benchmark.Tests.Support;

namespace CoIN.Benchmark.Tests.Steps;

public sealed class StepsFileTests : IDisposable
{
    private static readonly DateTimeOffset At = DateTimeOffset.FromUnixTimeMilliseconds(1_764_250_000_123);
    private readonly TemporaryFolder folder = new();

    private string Path => folder.File("training/1-GQA.jsonl");

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_step_is_read_as_it_was_written_to_the_last_digit_of_single_precision()
    {
        var step = new StepRecord(7, 180, 0.1f / 3, 1.4e-3, 2.5e-20, 64, 21604, 1.2345, 5_000_000_000, At);
        using (var file = StepsFile.Open(Path, 0))
        {
            file.Append(step);
        }

        var read = Assert.Single(StepsFile.Read(Path));
        Assert.Equal((float)step.Loss, (float)read.Loss);
        Assert.Equal(step with { Loss = read.Loss }, read);
        Assert.InRange(new FileInfo(Path).Length, 100, 200);
    }

    [Fact]
    public void Whoever_replaces_the_file_is_not_disturbed_by_one_who_still_writes_to_the_former()
    {
        Write(0, 1, 4);
        using (var former = StepsFile.Open(Path, 4))
        {
            using var now = StepsFile.Open(Path, 3, replace: true);
            former.Append(Step(5));
            now.Append(Step(4));
            former.Append(Step(6));
        }

        Assert.Equal([1, 2, 3, 4], StepsFile.Read(Path).Select(step => step.Step));
    }

    [Fact]
    public void What_is_no_number_is_kept_as_none()
    {
        using (var file = StepsFile.Open(Path, 0))
        {
            file.Append(Step(1) with { GradNorm = double.PositiveInfinity });
        }

        Assert.True(double.IsNaN(Assert.Single(StepsFile.Read(Path)).GradNorm));
    }

    [Fact]
    public void Who_goes_on_from_a_checkpoint_leaves_neither_holes_nor_doubles()
    {
        Write(0, 1, 8);

        // Killed in the middle of a line, after its last checkpoint.
        File.AppendAllText(Path, "{\"step\":9,\"of\":10,\"lo");
        Assert.Equal(Enumerable.Range(1, 8), StepsFile.Read(Path).Select(step => step.Step));
        Write(5, 6, 10);
        Assert.Equal(Enumerable.Range(1, 10), StepsFile.Read(Path).Select(step => step.Step));
        Assert.Equal(10, File.ReadAllLines(Path).Length);
    }

    [Fact]
    public void A_stage_that_begins_anew_begins_its_file_anew()
    {
        Write(0, 1, 8);
        Write(0, 1, 2);
        Assert.Equal([1, 2], StepsFile.Read(Path).Select(step => step.Step));
    }

    [Fact]
    public void What_a_power_cut_left_of_a_line_is_cut_off_and_lines_of_something_else_are_passed_over()
    {
        Write(0, 1, 3);
        File.AppendAllText(Path, "\0\0\0\0\n[]\n{\"step\":1}\n");
        Assert.Equal([1, 2, 3], StepsFile.Read(Path).Select(step => step.Step));
        Write(3, 4, 4);
        Assert.Equal([1, 2, 3, 4], StepsFile.Read(Path).Select(step => step.Step));
        Assert.Equal(4, File.ReadAllLines(Path).Length);
    }

    [Fact]
    public void A_file_is_read_beside_the_process_that_writes_it()
    {
        using var file = StepsFile.Open(Path, 0);
        Assert.Empty(StepsFile.Read(Path));
        for (var step = 1; step <= 50; step++)
        {
            file.Append(Step(step));
        }

        Assert.Equal(Enumerable.Range(1, 50), StepsFile.Read(Path).Select(step => step.Step));
        Assert.Empty(StepsFile.Read(folder.File("none")));
    }

    [Fact]
    public void A_folder_that_cannot_be_written_is_named_with_a_remedy()
    {
        folder.Write("training", "a file");
        var fault = Assert.Throws<CoinException>(() => StepsFile.Open(Path, 0));
        Assert.Contains(Path, fault.Message, StringComparison.Ordinal);
        Assert.Contains("then resume the run", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_course_sums_up_and_joins_neighbours()
    {
        var course = StepCourse.Of(
            [.. Enumerable.Range(1, 25).Select(step => Step(step) with { Loss = step, Memory = 100 - step })],
            points: 10
        )!;
        Assert.Equal((25, 25, 20.5, 10), (course.Steps, course.TotalSteps, course.LastLoss, course.LastCount));
        Assert.Equal((2500L, 12.5, 99L, 200.0), (course.Tokens, course.Seconds, course.PeakMemory, course.TokensPerSecond!.Value));
        Assert.Equal(9, course.Points.Count);
        Assert.Equal(new CoursePoint(1, 3, 2, 1, 3), course.Points[0]);
        Assert.Equal(new CoursePoint(25, 25, 25, 25, 25), course.Points[^1]);
        Assert.Null(StepCourse.Of([]));
    }

    private static StepRecord Step(int step) => new(step, 25, 1.0 / step, 1e-3, 1, 4, 100, 0.5, 1 << 30, At);

    private void Write(int done, int first, int last)
    {
        using var file = StepsFile.Open(Path, done);
        for (var step = first; step <= last; step++)
        {
            file.Append(Step(step));
        }

        file.Flush();
    }
}
