using System.Text;
using CoIN.Benchmark.Runs;
using CoIN.Cli.Tests.Support;
using CoIN.Cli.Views;
using Spectre.Console;

namespace CoIN.Cli.Tests.Views;

public sealed class LiveViewTests
{
    [Fact]
    public void The_screen_shows_training_evaluations_time_and_the_matrix_so_far()
    {
        var screen = Render(Snapshots.Training(3, 54), null, 100);

        Assert.Contains("20261124-090000-mini-s42", screen);
        Assert.Contains("running · 1 min 30 s · about 5 min 46 s left", screen);
        Assert.Contains("3/8 ImageNet", screen);
        Assert.Contains("/runs/one", screen);
        Assert.Contains("MAA 92.00 % of 1 of 8 rows, Truth Alignment, published rules", screen);
        Assert.Contains("Ctrl-C stops", screen);
        Assert.Matches(@"Total  ━{2}─{18}  +\d+ %  2/8 stages, 2/36 tests", screen);
        Assert.Contains("54/120  loss 0.0455  lr 1.10e-3  5,312 tokens/s", screen);
        Assert.Contains("Testing after stage 2: TextVQA 216/500", screen);
        Assert.Contains("92.00", screen);
        Assert.Contains("43%", screen);
        Assert.Contains("Truth Alignment, published rules, percent", screen);
    }

    [Theory]
    [InlineData(60)]
    [InlineData(80)]
    [InlineData(100)]
    [InlineData(200)]
    public void No_line_is_wider_than_the_terminal_or_100_columns(int width)
    {
        foreach (var snapshot in new[] { Snapshots.Training(1, 0), Snapshots.Training(6, 54), Snapshots.Completed() })
        {
            Assert.All(Render(snapshot, new string('n', 300), width).Split('\n'), line =>
                Assert.InRange(line.Length, 0, Math.Min(width - "^C".Length, 100))
            );
        }
    }

    [Fact]
    public void In_60_columns_the_counts_are_whole_and_the_numbers_still_name_their_scoring()
    {
        var lines = Render(Snapshots.Completed() with { Status = RunStatus.Running }, null, 60)
            .Split('\n')
            .Select(line => line.TrimEnd())
            .ToList();
        Assert.Single(lines, "Total  ━━━━━━━━━━━━━━━━━━━━  100 % 8/8 stages 36/36 tests");
        Assert.Matches(
            @"^MAA 71\.2[89] %  BWT -10\.8[78] %, published rules$",
            lines.Single(line => line.StartsWith("MAA", StringComparison.Ordinal))
        );
        var part = Render(Snapshots.Of(7), null, 60)
            .Split('\n')
            .Select(line => line.TrimEnd())
            .Single(line => line.StartsWith("MAA", StringComparison.Ordinal));
        Assert.Matches(@"^MAA \d+\.\d\d %  BWT -\d+\.\d\d % of 7 of 8 rows, published rules$", part);
    }

    [Fact]
    public void Eight_tasks_keep_their_full_names_in_100_columns() =>
        Assert.All(Snapshots.Tasks, task => Assert.Contains(" " + task, MatrixGrid.Of(Snapshots.Completed(), 99).Lines().First()));

    [Fact]
    public void A_cells_colour_goes_from_red_to_green()
    {
        var text = new StringWriter();
        var console = AnsiConsole.Create(
            new AnsiConsoleSettings
            {
                Ansi = AnsiSupport.Yes,
                ColorSystem = ColorSystemSupport.TrueColor,
                Out = new AnsiConsoleOutput(text),
            }
        );
        console.Profile.Width = 100;

        console.Write(
            LiveScreen.Draw(
                Snapshots.Of(1) with
                {
                    Cells =
                    [
                        [100.0],
                        [0.0, null],
                    ],
                },
                "/runs/one",
                null,
                100
            )
        );

        Assert.Contains("38;2;0;200;60m", text.ToString());
        Assert.Contains("38;2;220;60;60m", text.ToString());
    }

    [Fact]
    public void While_something_is_loaded_the_screen_says_what_for()
    {
        Assert.Contains("Stage 1/8 ScienceQA: loading the model…", Render(Snapshots.Of(0), null, 100));
        Assert.Contains("Stage 4/8 GQA: loading its samples…", Render(Snapshots.Of(3), null, 100));
        Assert.Contains("all stages are trained", Render(Snapshots.Of(8), null, 100));
        Assert.Contains("no training at the moment", Render(Snapshots.Of(3, RunStatus.Stopped), null, 100));

        var zeroShot = Snapshots.Of(0) with { Stages = [], Cells = [], ZeroShot = [.. Snapshots.Tasks.Select(_ => (double?)null)] };
        Assert.Contains("loading the model…", Render(zeroShot, null, 100));
        Assert.Contains("nothing is trained", Render(zeroShot with { Evaluations = [new EvaluationProgress(0, "GQA", 1, 5)] }, null, 100));
    }

    [Fact]
    public void Text_from_outside_is_never_read_as_markup() => Assert.Contains("[red]x[/]", Render(Snapshots.Of(0), "[red]x[/]", 100));

    [Fact]
    public void Before_the_first_snapshot_and_in_a_zero_shot_run_there_is_a_screen_too()
    {
        Assert.Contains("starting", Render(null, null, 100));
        var zeroShot = Snapshots.Of(0) with { Cells = [], ZeroShot = [1.5, null, null, null, null, null, null, null] };
        Assert.Matches(@"base model +1\.50", Render(zeroShot, null, 100));
    }

    [Fact]
    public void Observing_never_waits_for_a_terminal_that_does_not_take_what_is_written()
    {
        using var blocked = new BlockedWriter();
        var view = new PlainView(blocked, TimeProvider.System);
        for (var i = 0; i < 1000; i++)
        {
            view.Observe(Snapshots.Training(2, i % 120));
        }

        Assert.True(blocked.Reached.Wait(TimeSpan.FromSeconds(10)));
        view.Observe(Snapshots.Completed());
        blocked.Release.Set();
        view.Dispose();
    }

    /// <summary>For a look at it: <c>dotnet exec CoIN.Cli.Tests.dll -explicit only</c> at a terminal.</summary>
    [Fact(Explicit = true)]
    public void The_live_view_can_be_looked_at()
    {
        using var output = new StreamWriter(Console.OpenStandardOutput(), new UTF8Encoding(false)) { AutoFlush = true };
        var console = AnsiConsole.Create(
            new AnsiConsoleSettings
            {
                Ansi = AnsiSupport.Yes,
                ColorSystem = ColorSystemSupport.TrueColor,
                Out = new AnsiConsoleOutput(output),
            }
        );
        console.Profile.Width = 100;
        using (var view = new LiveView(console, "/runs/one", () => null))
        {
            for (var step = 0; step <= 8 * 120; step += 24)
            {
                view.Observe(Snapshots.Training(Math.Min(8, (step / 120) + 1), step % 120));
                Thread.Sleep(60);
            }

            view.Tell("stopping after this step… (once more to stop at once)");
            Thread.Sleep(400);
        }

        foreach (var line in Summary.Lines(Snapshots.Completed(), "runs/20261124-090000-mini-s42", 100))
        {
            output.WriteLine(line);
        }
    }

    private static string Render(RunSnapshot? snapshot, string? notice, int width)
    {
        var text = new StringWriter();
        var console = AnsiConsole.Create(
            new AnsiConsoleSettings
            {
                Ansi = AnsiSupport.No,
                ColorSystem = ColorSystemSupport.NoColors,
                Out = new AnsiConsoleOutput(text),
            }
        );
        console.Profile.Width = width;
        console.Write(LiveScreen.Draw(snapshot, "/runs/one", notice, width));
        return text.ToString().ReplaceLineEndings("\n");
    }

    private sealed class BlockedWriter : StringWriter
    {
        public ManualResetEventSlim Reached { get; } = new();

        public ManualResetEventSlim Release { get; } = new();

        public override void WriteLine(string? value)
        {
            Reached.Set();
            Release.Wait();
            base.WriteLine(value);
        }
    }
}
