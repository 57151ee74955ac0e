using CoIN.Actors.Hosting;
using CoIN.Benchmark;
using CoIN.Benchmark.Runs;
using CoIN.Cli.Engine;
using CoIN.Cli.Hosting;
using CoIN.Cli.Logging;
using CoIN.Cli.Runs;
using CoIN.Cli.Views;
using CoIN.Cli.Watching;
using Microsoft.Extensions.Logging;
using Spectre.Console;

namespace CoIN.Cli.Commands;

/// <summary>Drives a run with log, view and signals around it; what <c>run</c> and <c>resume</c> share.</summary>
internal static class RunDriver
{
    /// <summary>Drives a run whose folder is there.</summary>
    /// <param name="name">What it is called on a command line.</param>
    /// <param name="drive">Starts or resumes it.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> DriveAsync(
        Host host,
        string name,
        string folder,
        NodeSettings node,
        Func<RunTicket, CancellationToken, Task<RunSnapshot>> drive
    )
    {
        var id = Path.GetFileName(folder);
        host.Out.WriteLine(Follow(name));
        var file = Path.Combine(folder, RunFolders.Log);
        var lines = TextWriter.Synchronized(host.Out);
        RunSnapshot last;
        using (var log = new RunLog(file, id, node.LogLevel, host.Terminal.Live ? null : lines))
        {
            try
            {
                await using var telemetry = await TelemetryAsync(host, node, log).ConfigureAwait(false);
                using var view = View(host, folder, lines, log);
                using var signals = host.Signals(view.Tell);
                using var board = Board([folder], node, log);
                last = await drive(new RunTicket(id, folder, node, view, log.Factory), signals.Stop).ConfigureAwait(false);
                view.Observe(last);
            }
            catch (Exception fault)
            {
                // Everything that ends the process belongs into the log; people are told below.
                log.Fatal(fault);
                var code = Faults.Tell(host, fault, file);
                return Ended(host, await AdviceAsync(host, name, folder, fault).ConfigureAwait(false), code);
            }
        }

        host.Out.WriteLine();
        foreach (var line in Summary.Lines(last, folder, host.Terminal.Width))
        {
            host.Out.WriteLine(line);
        }

        host.Out.Flush();
        return last.Status switch
        {
            RunStatus.Completed when last.JudgingFaults.Count > 0 => Ended(
                host,
                id,
                Faults.Tell(
                    host,
                    new CoinException(string.Join('\n', last.JudgingFaults.Select(fault => Summary.Fault(id, fault.Key, fault.Value)))),
                    file
                )
            ),
            RunStatus.Completed when last.MissingJudgements > 0 => Ended(host, id, ExitCodes.Stopped),
            RunStatus.Completed => ExitCodes.Done,
            RunStatus.Stopped => Ended(host, GoOn(name), ExitCodes.Stopped),
            _ => Ended(
                host,
                GoOn(name),
                Faults.Tell(host, new CoinException(last.Message ?? $"The run ended as {Words.Of(last.Status)}; see {file}."), file)
            ),
        };
    }

    private static IRunView View(Host host, string folder, TextWriter lines, RunLog log) =>
        host.Terminal.Live
            ? new LiveView(AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(host.Out) }), folder, () => log.Notice)
            : new PlainView(lines, host.Clock);

    /// <summary>Event files for TensorBoard, where they are wanted.</summary>
    internal static TensorBoardFiles? Board(IEnumerable<string> folders, NodeSettings node, RunLog log) =>
        node.Watch.Tensorboard
            ? new TensorBoardFiles(folders, warning => log.Factory.CreateLogger("CoIN.Cli.Watching").LogWarning("{Warning}", warning))
            : null;

    /// <summary>Metrics and traces, where they are wanted; told to people before a view begins.</summary>
    internal static async Task<TelemetryExport?> TelemetryAsync(Host host, NodeSettings node, RunLog log)
    {
        var export = await TelemetryExport.StartAsync(node.Watch, log.Factory.CreateLogger("CoIN.Cli.Watching")).ConfigureAwait(false);
        if (export?.Metrics is { } address)
        {
            host.Out.WriteLine($"Metrics for Prometheus: {address}");
            host.Out.Flush();
        }

        return export;
    }

    /// <summary>How to look on in a browser; told before the run begins.</summary>
    internal static string Follow(string name) => $"Follow it in a browser: ./run.sh watch {name}";

    private static string GoOn(string name) => $"Go on with: ./run.sh resume {name}";

    /// <summary>What to do after a fault that ended the process; null where the fault itself says all.</summary>
    private static async Task<string?> AdviceAsync(Host host, string name, string folder, Exception fault)
    {
        if (fault is CoinException { IsFinal: true })
        {
            return null;
        }

        try
        {
            return await host.Engine.ReadAsync(folder, CancellationToken.None).ConfigureAwait(false) switch
            {
                null =>
                    $"The run has not begun. When that is mended: ./run.sh resume {name} (it keeps its settings; for others, start another run)",
                { Status: RunStatus.Completed } => $"The run is completed; its reports: ./run.sh report {name}",
                _ => GoOn(name),
            };
        }
        catch (CoinException)
        {
            // Its journal cannot be read: resuming would say so.
            return null;
        }
    }

    private static int Ended(Host host, string? advice, int code)
    {
        if (advice is not null)
        {
            host.Error.WriteLine(advice);
        }

        host.Error.Flush();
        return code;
    }
}
