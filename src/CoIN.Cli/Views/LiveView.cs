using CoIN.Benchmark.Runs;
using Spectre.Console;

namespace CoIN.Cli.Views;

/// <summary>A screen that redraws itself in place, at a terminal with a person before it.</summary>
internal sealed class LiveView : IRunView
{
    private static readonly TimeSpan RedrawInterval = TimeSpan.FromMilliseconds(200);

    private readonly IAnsiConsole _console;
    private readonly Func<string?> _warning;
    private readonly ManualResetEventSlim _ended = new();
    private readonly Thread _thread;
    private volatile RunSnapshot? _latest;
    private volatile string? _notice;

    /// <param name="console">The terminal.</param>
    /// <param name="warning">The latest warning of the log, if any.</param>
    public LiveView(IAnsiConsole console, Func<string?> warning)
    {
        _console = console;
        _warning = warning;
        _thread = new Thread(Run) { IsBackground = true, Name = "view" };
        _thread.Start();
    }

    public void Observe(RunSnapshot snapshot) => _latest = snapshot;

    public void Tell(string notice) => _notice = notice;

    public void Dispose()
    {
        _ended.Set();

        // A terminal that does not take the last picture must not keep the process from ending.
        if (_thread.Join(TimeSpan.FromSeconds(2)))
        {
            _ended.Dispose();
        }
    }

    // The screen is cleared at the end: the summary that follows says the same, and stays.
    private void Run() => _console.Live(Screen()).AutoClear(true).Overflow(VerticalOverflow.Crop).Start(context =>
    {
        while (!_ended.Wait(RedrawInterval))
        {
            context.UpdateTarget(Screen());
        }
    });

    private Spectre.Console.Rendering.IRenderable Screen() => LiveScreen.Draw(_latest, _notice ?? _warning(), _console.Profile.Width);
}
