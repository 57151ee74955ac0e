using CoIN.Benchmark.Runs;
using CoIN.Cli.Tests.Support;
using CoIN.Cli.Views;
using Spectre.Console;

namespace CoIN.Cli.Tests.Views;

/// <summary>The screen of an experiment, as it is drawn.</summary>
public sealed class ExperimentScreenTests
{
    private static readonly Dictionary<string, string> Names = Enumerable
        .Range(1, 9)
        .ToDictionary(i => $"e-run{i}", i => $"a-rather-long-variant-rank{i}");

    [Theory]
    [InlineData(60)]
    [InlineData(80)]
    [InlineData(133)]
    [InlineData(200)]
    public void No_line_is_longer_than_the_terminal_and_every_run_has_its_own(int width)
    {
        var lines = Drawn(Progress(), width, height: 40);
        Assert.All(lines, line => Assert.InRange(line.Length, 0, width));
        Assert.All(Names.Values, name => Assert.Single(lines, line => line.StartsWith(name, StringComparison.Ordinal)));
        Assert.Contains(lines, line => line.StartsWith("2 of 9 runs completed, 1 failed", StringComparison.Ordinal));
    }

    [Fact]
    public void Where_there_is_no_room_those_that_work_come_first_and_the_rest_is_counted()
    {
        var lines = Drawn(Progress(), 120, height: 10);
        Assert.InRange(lines.Count, 1, 10);
        Assert.Contains(lines, line =>
            line.Contains("rank3", StringComparison.Ordinal) && line.Contains("trains GQA 30/120", StringComparison.Ordinal)
        );
        Assert.Contains("… and 6 more", lines);
        Assert.DoesNotContain(lines, line => line.Contains("rank1 ", StringComparison.Ordinal));
    }

    [Fact]
    public void Each_run_says_what_it_does_or_how_it_ended()
    {
        Assert.Equal("starting…", ExperimentScreen.Doing(null));
        Assert.Equal("trains GQA 30/120 · tests ImageNet 120/500", ExperimentScreen.Doing(Snapshots.Training(4, 30)));
        Assert.Equal("waits for its turn", ExperimentScreen.Doing(Snapshots.Of(2)));
        Assert.Equal("stopped", ExperimentScreen.Doing(Snapshots.Of(2, RunStatus.Stopped)));
        Assert.Matches(@"^completed  MAA 71\.2[89]  BWT -10\.8[78]$", ExperimentScreen.Doing(Snapshots.Completed()));
    }

    [Fact]
    public void The_time_left_is_that_of_all_runs()
    {
        var progress = new ExperimentProgress(new Dictionary<string, string> { ["a"] = "a", ["b"] = "b" });
        progress.Put(Snapshots.Of(0) with { RunId = "a" });
        Assert.Null(progress.Remaining(TimeSpan.FromMinutes(1)));

        // One of two is done: as long again.
        progress.Put(Snapshots.Completed() with { RunId = "a" });
        Assert.Equal(TimeSpan.FromMinutes(10), progress.Remaining(TimeSpan.FromMinutes(10)));
    }

    private static ExperimentProgress Progress()
    {
        var progress = new ExperimentProgress(Names);
        foreach (
            var (id, snapshot) in new[]
            {
                ("e-run1", Snapshots.Completed()),
                ("e-run2", Snapshots.Completed()),
                ("e-run3", Snapshots.Training(4, 30)),
                ("e-run4", Snapshots.Of(3)),
                ("e-run5", Snapshots.Of(2, RunStatus.Failed) with { Message = "the loss is NaN" }),
            }
        )
        {
            progress.Put(snapshot with { RunId = id });
        }

        return progress;
    }

    private static List<string> Drawn(ExperimentProgress progress, int width, int height)
    {
        using var text = new StringWriter();
        var console = AnsiConsole.Create(
            new AnsiConsoleSettings
            {
                Out = new AnsiConsoleOutput(text),
                Ansi = AnsiSupport.No,
                ColorSystem = ColorSystemSupport.NoColors,
                Interactive = InteractionSupport.No,
            }
        );
        console.Profile.Width = width;
        console.Write(
            ExperimentScreen.Draw(
                "20261124-090807-an-experiment-with-a-name",
                progress,
                TimeSpan.FromMinutes(3),
                "a warning of some length that stands in the last line",
                width,
                height
            )
        );
        return [.. text.ToString().TrimEnd('\n').Split('\n').Select(line => line.TrimEnd())];
    }
}
