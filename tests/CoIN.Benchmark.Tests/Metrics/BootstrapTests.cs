using CoIN.Benchmark.Learning;
using CoIN.Benchmark.Metrics;

namespace CoIN.Benchmark.Tests.Metrics;

public sealed class BootstrapTests
{
    [Fact]
    public void The_interval_of_a_proportion_is_as_wide_as_the_binomial_says()
    {
        var interval = Bootstrap.Accuracy([.. Enumerable.Range(0, 400).Select(place => place % 4 == 0 ? 1.0 : 0.0)])!.Value;

        // 25 % ± 1.96 · √(25 · 75 / 400), within the noise of a thousand resamples.
        Assert.Equal(25 - 4.24, interval.Low, 0.6);
        Assert.Equal(25 + 4.24, interval.High, 0.6);
    }

    [Fact]
    public void The_same_seed_gives_the_same_interval_and_another_one_another()
    {
        double[] scores = [.. Scores(1, 50).Select(one => one.Score!.Value)];

        Assert.Equal(Bootstrap.Accuracy(scores), Bootstrap.Accuracy(scores));
        Assert.NotEqual(Bootstrap.Accuracy(scores), Bootstrap.Accuracy(scores, new BootstrapOptions { Seed = 1, Resamples = 100 }));
    }

    [Fact]
    public void Equal_scores_leave_no_doubt_and_no_scores_no_interval()
    {
        Assert.Equal(new Interval(100, 100), Bootstrap.Accuracy([1, 1, 1]));
        Assert.Null(Bootstrap.Accuracy([]));
    }

    [Fact]
    public void Stages_are_resampled_together_so_that_equal_answers_give_no_spread_of_their_difference()
    {
        var same = Scores(3, 200);
        var first = new TaskScores(new Dictionary<int, IReadOnlyList<(string, double?)>> { [1] = same, [2] = [.. same.Reverse()] });
        var second = new TaskScores(new Dictionary<int, IReadOnlyList<(string, double?)>> { [2] = Scores(4, 200) });

        var (cells, metrics) = Bootstrap.Matrix(["a", "b"], [first, second]);

        Assert.Equal(new Interval(0, 0), metrics.Bwt);
        Assert.Equal(new Interval(0, 0), metrics.Forgetting);
        Assert.Equal(cells[(1, 0)], cells[(2, 0)]);
        Assert.True(metrics.Maa!.Value.Low < metrics.Maa.Value.High);
        Assert.True(cells[(2, 1)].Low < cells[(2, 1)].High);
    }

    [Fact]
    public void Resampled_answers_that_differ_spread_their_difference()
    {
        var first = new TaskScores(new Dictionary<int, IReadOnlyList<(string, double?)>> { [1] = Scores(3, 200), [2] = Scores(5, 200) });
        var second = new TaskScores(new Dictionary<int, IReadOnlyList<(string, double?)>> { [2] = Scores(4, 200) });

        var bwt = Bootstrap.Matrix(["a", "b"], [first, second]).Metrics.Bwt!.Value;

        Assert.True(bwt.Low < bwt.High);
    }

    [Fact]
    public void A_task_whose_scores_are_not_at_hand_leaves_the_summary_without_interval()
    {
        var known = new TaskScores(new Dictionary<int, IReadOnlyList<(string, double?)>> { [2] = Scores(4, 20) });

        var (cells, metrics) = Bootstrap.Matrix(["a", "b"], [null, known]);

        Assert.Equal([(2, 1)], cells.Keys);
        Assert.Null(metrics.Maa);
        Assert.Null(metrics.Bwt);
    }

    [Fact]
    public void Zero_shot_scores_give_the_learning_gain_an_interval()
    {
        var column = new TaskScores(new Dictionary<int, IReadOnlyList<(string, double?)>> { [0] = Scores(8, 100), [1] = Scores(9, 100) });

        var (cells, metrics) = Bootstrap.Matrix(["a"], [column]);

        Assert.True(metrics.LearningGain!.Value.Low < metrics.LearningGain.Value.High);
        Assert.Equal([(0, 0), (1, 0)], cells.Keys.Order());
    }

    [Fact]
    public void Samples_that_a_rule_does_not_count_are_left_out_of_the_mean()
    {
        var column = new TaskScores(
            new Dictionary<int, IReadOnlyList<(string, double?)>>
            {
                [1] = [.. Enumerable.Range(0, 50).Select(place => ($"{place}", place % 2 == 0 ? (double?)null : 1.0))],
            }
        );

        Assert.Equal(new Interval(100, 100), Bootstrap.Matrix(["a"], [column]).Cells[(1, 0)]);
    }

    [Fact]
    public void An_id_that_comes_twice_counts_twice()
    {
        var column = new TaskScores(new Dictionary<int, IReadOnlyList<(string, double?)>> { [1] = [("a", 1.0), ("a", 0.0), ("b", 1.0)] });

        Assert.Equal(3, column.Samples);
    }

    private static IReadOnlyList<(string QuestionId, double? Score)> Scores(int seed, int count)
    {
        var random = new SeededRandom(seed);
        return [.. Enumerable.Range(0, count).Select(place => ($"q{place}", (double?)random.Next(2)))];
    }
}
