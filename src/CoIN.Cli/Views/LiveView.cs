using CoIN.Benchmark.Runs;
using Spectre.Console;

namespace CoIN.Cli.Views;

/// <summary>A screen that redraws itself in place, at a terminal with a person before it.</summary>
internal sealed class LiveView : IRunView
{
    private static readonly TimeSpan RedrawInterval = TimeSpan.FromMilliseconds(200);

    private readonly IAnsiConsole console;
    private readonly string? folder;
    private readonly Func<string?> warning;
    private readonly ManualResetEventSlim ended = new();
    private readonly Thread thread;
    private volatile RunSnapshot? latest;
    private volatile string? notice;

    /// <param name="console">The terminal.</param>
    /// <param name="folder">The run's; null where the run goes on in a cluster and is only looked at.</param>
    /// <param name="warning">The latest warning of the log, if any.</param>
    public LiveView(IAnsiConsole console, string? folder, Func<string?> warning)
    {
        this.console = console;
        this.folder = folder;
        this.warning = warning;
        thread = new Thread(Run) { IsBackground = true, Name = "view" };
        thread.Start();
    }

    public void Observe(RunSnapshot snapshot) => latest = snapshot;

    public void Tell(string notice) => this.notice = notice;

    public void Dispose()
    {
        ended.Set();

        // A terminal that does not take the last picture must not keep the process from ending.
        if (thread.Join(TimeSpan.FromSeconds(2)))
        {
            ended.Dispose();
        }
    }

    // The screen is cleared at the end: the summary that follows says the same, and stays.
    private void Run() =>
        console
            .Live(Screen())
            .AutoClear(true)
            .Overflow(VerticalOverflow.Crop)
            .Start(context =>
            {
                while (!ended.Wait(RedrawInterval))
                {
                    context.UpdateTarget(Screen());
                }
            });

    private Spectre.Console.Rendering.IRenderable Screen() => LiveScreen.Draw(latest, folder, notice ?? warning(), console.Profile.Width);
}
