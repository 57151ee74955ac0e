using System.Globalization;
using CoIN.Benchmark.Runs;

namespace CoIN.Cli.Views;

/// <summary>Progress of several runs as plain lines, each with the run's name within the experiment.</summary>
internal sealed class ExperimentPlainView : IRunView
{
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan SumInterval = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(250);

    private readonly Dictionary<string, PlainNarrator> narrators = new(StringComparer.Ordinal);
    private readonly Dictionary<string, RunStatus> told = new(StringComparer.Ordinal);
    private readonly ExperimentProgress progress;
    private readonly TextWriter output;
    private readonly TimeProvider clock;
    private readonly SnapshotPump pump;
    private readonly DateTimeOffset began;
    private DateTimeOffset summed;

    /// <param name="id">The experiment.</param>
    /// <param name="names">The runs' names by their ids.</param>
    public ExperimentPlainView(TextWriter output, TimeProvider clock, string id, IReadOnlyDictionary<string, string> names)
    {
        (this.output, this.clock, progress) = (output, clock, new ExperimentProgress(names));
        began = summed = clock.GetUtcNow();
        Line(Words.Text($"experiment {id}: {names.Count} runs: {string.Join(", ", names.Values)}"));
        pump = new SnapshotPump(_ => Write(), LookInterval);
    }

    public void Observe(RunSnapshot snapshot) => progress.Put(snapshot);

    public void Tell(string notice) => Line(notice);

    public void Dispose() => pump.Dispose();

    private void Write()
    {
        var now = clock.GetUtcNow();
        foreach (var (name, last) in progress.Runs)
        {
            if (last is null)
            {
                continue;
            }

            if (!narrators.TryGetValue(name, out var narrator))
            {
                narrators[name] = narrator = new PlainNarrator(ProgressInterval, Patience, introduces: false);
            }

            foreach (var line in narrator.Tell(last, now))
            {
                Line($"[{name}] {line}");
            }

            if (last.Status != RunStatus.Running && told.GetValueOrDefault(name) != last.Status && last.Status != RunStatus.Starting)
            {
                told[name] = last.Status;
                Line(
                    $"[{name}] {Words.Of(last.Status)} after {Words.Duration(last.Elapsed)}{(last.Message is { Length: > 0 } message ? $". {message}" : "")}"
                );
            }
        }

        if (now - summed >= SumInterval)
        {
            summed = now;
            Line(progress.Counts() + (progress.Remaining(now - began) is { } left ? $", about {Words.Duration(left)} left" : ""));
        }
    }

    private void Line(string text)
    {
        var time = clock.GetLocalNow().ToString("HH:mm:ss", CultureInfo.InvariantCulture);
        output.WriteLine($"{time} {text}");
        output.Flush();
    }
}
