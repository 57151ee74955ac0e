using System.Globalization;
using CoIN.Benchmark.Runs;

namespace CoIN.Cli.Views;

/// <summary>Progress as plain lines without control characters: for files, pipes and simple terminals.</summary>
internal sealed class PlainView : IRunView
{
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(250);

    private readonly PlainNarrator _narrator = new(ProgressInterval, Patience);
    private readonly TextWriter _output;
    private readonly TimeProvider _clock;
    private readonly SnapshotPump _pump;

    public PlainView(TextWriter output, TimeProvider clock)
    {
        _output = output;
        _clock = clock;
        _pump = new SnapshotPump(Write, LookInterval);
    }

    public void Observe(RunSnapshot snapshot) => _pump.Put(snapshot);

    public void Tell(string notice) => Line(notice);

    public void Dispose() => _pump.Dispose();

    private void Write(RunSnapshot? snapshot)
    {
        if (snapshot is null)
        {
            return;
        }

        foreach (var line in _narrator.Tell(snapshot, _clock.GetUtcNow()))
        {
            Line(line);
        }
    }

    private void Line(string text)
    {
        var time = _clock.GetLocalNow().ToString("HH:mm:ss", CultureInfo.InvariantCulture);
        _output.WriteLine($"{time} {text}");
        _output.Flush();
    }
}
