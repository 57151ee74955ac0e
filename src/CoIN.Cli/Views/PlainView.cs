using System.Globalization;
using CoIN.Benchmark.Runs;

namespace CoIN.Cli.Views;

/// <summary>Progress as plain lines without control characters: for files, pipes and simple terminals.</summary>
internal sealed class PlainView : IRunView
{
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(250);

    private readonly PlainNarrator narrator = new(ProgressInterval, Patience);
    private readonly TextWriter output;
    private readonly TimeProvider clock;
    private readonly SnapshotPump pump;

    public PlainView(TextWriter output, TimeProvider clock)
    {
        this.output = output;
        this.clock = clock;
        pump = new SnapshotPump(Write, LookInterval);
    }

    public void Observe(RunSnapshot snapshot) => pump.Put(snapshot);

    public void Tell(string notice) => Line(notice);

    public void Dispose() => pump.Dispose();

    private void Write(RunSnapshot? snapshot)
    {
        if (snapshot is null)
        {
            return;
        }

        foreach (var line in narrator.Tell(snapshot, clock.GetUtcNow()))
        {
            Line(line);
        }
    }

    private void Line(string text)
    {
        var time = clock.GetLocalNow().ToString("HH:mm:ss", CultureInfo.InvariantCulture);
        output.WriteLine($"{time} {text}");
        output.Flush();
    }
}
