using CoIN.Cli.Views;

namespace CoIN.Cli.Tests.Views;

public sealed class TrainingSpeedTests
{
    [Fact]
    public void The_first_run_that_trained_long_enough_tells_how_fast_training_is()
    {
        var read = new List<string>();
        IEnumerable<(string, long, double)> Runs()
        {
            foreach (var run in new[] { ("short", 100L, 2.0), ("none", 0L, 0.0), ("long", 90_000L, 90.0), ("older", 1L, 1000.0) })
            {
                read.Add(run.Item1);
                yield return run;
            }
        }

        var speed = TrainingSpeed.Of(Runs())!;
        Assert.Equal(1000, speed.TokensPerSecond);
        Assert.Equal("run long, 1 min 30 s of training", speed.Source);
        Assert.Equal(["short", "none", "long"], read);
    }

    [Fact]
    public void Where_all_were_short_the_longest_tells_with_a_doubt()
    {
        var speed = TrainingSpeed.Of([("a", 100, 2), ("b", 1000, 4)])!;
        Assert.Equal(250, speed.TokensPerSecond);
        Assert.Equal("run b, 4 s of training, too short to tell much", speed.Source);
        Assert.Null(TrainingSpeed.Of([]));
        Assert.Null(TrainingSpeed.Of([("a", 0, 0)]));
    }
}
