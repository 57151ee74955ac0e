using System.Globalization;
using CoIN.Benchmark.Checking;
using CoIN.Cli.Hosting;

namespace CoIN.Cli.Views;

/// <summary>How far a check is: one line that is written over at a terminal, a line every few seconds elsewhere.</summary>
internal sealed class ProgressLine(TextWriter output, Terminal terminal, TimeProvider clock)
{
    private const string Erase = "\r\u001b[K";
    private static readonly TimeSpan PlainInterval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LiveInterval = TimeSpan.FromMilliseconds(100);

    private long told = clock.GetTimestamp();
    private long begun = clock.GetTimestamp();
    private (string Task, string What) current;

    /// <summary>Tells the progress, unless it was told a moment ago.</summary>
    public void Show(CheckProgress progress)
    {
        if (current != (progress.Task, progress.What))
        {
            current = (progress.Task, progress.What);
            begun = clock.GetTimestamp();
        }

        if (clock.GetElapsedTime(told) < (terminal.Live ? LiveInterval : PlainInterval))
        {
            return;
        }

        told = clock.GetTimestamp();
        var text = Text(progress, clock.GetElapsedTime(begun));
        if (terminal.Live)
        {
            output.Write(Erase + (text.Length < terminal.Width ? text : text[..(terminal.Width - 1)]));
        }
        else
        {
            output.WriteLine($"{clock.GetLocalNow().ToString("HH:mm:ss", CultureInfo.InvariantCulture)} {text}");
        }

        output.Flush();
    }

    /// <summary>Takes the line away before other output.</summary>
    public void Clear()
    {
        if (terminal.Live)
        {
            output.Write(Erase);
        }
    }

    private static string Text(CheckProgress progress, TimeSpan elapsed)
    {
        var unit = progress.What == CheckProgress.Images ? "images" : $"samples of {progress.What}";
        var left =
            progress.Part is > 0 and < 1 && elapsed.TotalSeconds >= 1
                ? $", about {Words.Duration(elapsed * ((1 - progress.Part) / progress.Part))} left"
                : "";
        return Words.Text(
            $"{progress.Task}: {progress.Done:#,0} {unit} ({100 * progress.Part:0} %){left}, {progress.Findings:#,0} findings so far"
        );
    }
}
