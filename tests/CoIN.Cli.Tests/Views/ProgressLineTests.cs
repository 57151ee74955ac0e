using CoIN.Benchmark.Checking;
using CoIN.Cli.Hosting;
using CoIN.Cli.Views;

namespace CoIN.Cli.Tests.Views;

public sealed class ProgressLineTests
{
    private readonly SteppedClock clock = new();
    private readonly StringWriter output = new();

    [Fact]
    public void In_a_pipe_there_is_a_line_every_few_seconds()
    {
        var line = new ProgressLine(output, Terminal.Plain, clock);
        for (var i = 1; i <= 100; i++)
        {
            clock.Seconds += 0.25;
            line.Show(new CheckProgress("GQA", "train.json", i * 1000, i / 100.0, i));
        }

        line.Clear();
        var lines = output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(5, lines.Length);
        Assert.Contains("GQA: 20,000 samples of train.json (20 %), about 19 s left, 20 findings so far", lines[0]);
        Assert.DoesNotContain('\r', output.ToString());
    }

    [Fact]
    public void At_a_terminal_one_line_is_written_over_and_never_wider_than_it()
    {
        var line = new ProgressLine(output, new Terminal(Live: true, ErrorColour: false, Width: 30), clock);
        clock.Seconds += 1;
        line.Show(new CheckProgress("GQA", CheckProgress.Images, 1000, 0.1, 0));
        clock.Seconds += 1;
        line.Show(new CheckProgress("GQA", CheckProgress.Images, 2000, 0.2, 0));
        line.Clear();

        Assert.DoesNotContain('\n', output.ToString());
        var shown = output.ToString().Split("\r\u001b[K", StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, shown.Length);
        Assert.All(shown, text => Assert.InRange(text.Length, 20, 29));
    }

    private sealed class SteppedClock : TimeProvider
    {
        public double Seconds { get; set; }

        public override long TimestampFrequency => 1000;

        public override long GetTimestamp() => (long)(Seconds * 1000);
    }
}
