using System.Globalization;
using System.Text.RegularExpressions;
using CoIN.Benchmark.Reports.Html;
using CoIN.Benchmark.Reports.Results;
using CoIN.Benchmark.Steps;

namespace CoIN.Benchmark.Tests.Reports;

/// <summary>The small charts of losses.</summary>
public sealed class LossCurvesTests
{
    private static readonly TrainedStage Stage = new(
        1,
        "GQA",
        StepCourse.Of([
            .. Enumerable
                .Range(1, 10)
                .Select(step => new StepRecord(step, 10, 1.0 / step, 1e-3, 1, 4, 100, 0.5, 1 << 20, DateTimeOffset.UnixEpoch)),
        ])!
    );

    [Fact]
    public void Losses_of_held_out_samples_are_dots_beside_the_line_and_on_the_same_axes()
    {
        var page = LossCurves.Render([Stage], [new StageValidation(1, "GQA", [new(5, 3, 20, 100), new(10, 1.5, 20, 100)])]).Text;

        var dots = Regex.Matches(page, "<circle class=\"own-dot\" cx=\"([0-9.]+)\" cy=\"([0-9.]+)\" r=\"3.5\"><title>([^<]+)</title>");
        Assert.Equal(
            ["held-out samples after step 5: 3.0000", "held-out samples after step 10: 1.5000"],
            dots.Select(dot => dot.Groups[3].Value)
        );

        // The axis goes to 4, the next short number above the highest loss: 0 is at 132, 4 at 12; step 1 at 40, step 10 at 268.
        Assert.Equal([(141.3, 42.0), (268.0, 87.0)], dots.Select(dot => (Number(dot.Groups[1]), Number(dot.Groups[2]))));
        Assert.Contains("; of held-out samples 1.500 at step 10\"", page, StringComparison.Ordinal);
        Assert.Contains("held-out samples</span>", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_any_nothing_is_said_of_them()
    {
        var page = LossCurves.Render([Stage], []).Text;
        Assert.DoesNotContain("held-out", page, StringComparison.Ordinal);
        Assert.DoesNotContain("own-dot", page, StringComparison.Ordinal);
    }

    private static double Number(Group group) => double.Parse(group.Value, CultureInfo.InvariantCulture);
}
