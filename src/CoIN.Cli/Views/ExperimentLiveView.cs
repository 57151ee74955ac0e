using System.Diagnostics;
using CoIN.Benchmark.Runs;
using Spectre.Console;

namespace CoIN.Cli.Views;

/// <summary>Several runs on a screen that redraws itself.</summary>
internal sealed class ExperimentLiveView : IRunView
{
    private static readonly TimeSpan RedrawInterval = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly Stopwatch clock = Stopwatch.StartNew();
    private readonly ManualResetEventSlim ended = new();
    private readonly IAnsiConsole console;
    private readonly string id;
    private readonly Func<string?> warning;
    private readonly ExperimentProgress progress;
    private readonly Thread thread;
    private volatile string? notice;

    /// <param name="console">The terminal.</param>
    /// <param name="id">The experiment.</param>
    /// <param name="names">The runs' names by their ids.</param>
    /// <param name="warning">The latest warning of the log, if any.</param>
    public ExperimentLiveView(IAnsiConsole console, string id, IReadOnlyDictionary<string, string> names, Func<string?> warning)
    {
        (this.console, this.id, this.warning, progress) = (console, id, warning, new ExperimentProgress(names));
        thread = new Thread(Run) { IsBackground = true, Name = "view" };
        thread.Start();
    }

    public void Observe(RunSnapshot snapshot) => progress.Put(snapshot);

    public void Tell(string notice) => this.notice = notice;

    public void Dispose()
    {
        ended.Set();

        // A terminal that does not take the last picture must not keep the process from ending.
        if (thread.Join(Patience))
        {
            ended.Dispose();
        }
    }

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

    private Spectre.Console.Rendering.IRenderable Screen() =>
        ExperimentScreen.Draw(id, progress, clock.Elapsed, notice ?? warning(), console.Profile.Width, console.Profile.Height);
}
