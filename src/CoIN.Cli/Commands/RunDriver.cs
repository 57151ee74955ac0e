using CoIN.Actors.Configuration;
using CoIN.Benchmark;
using CoIN.Benchmark.Runs;
using CoIN.Cli.Engine;
using CoIN.Cli.Hosting;
using CoIN.Cli.Logging;
using CoIN.Cli.Runs;
using CoIN.Cli.Views;
using Spectre.Console;

namespace CoIN.Cli.Commands;

/// <summary>Drives a run with log, view and signals around it; what <c>run</c> and <c>resume</c> share.</summary>
internal static class RunDriver
{
    /// <summary>Drives a run whose folder is there.</summary>
    /// <param name="drive">Starts or resumes it.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> DriveAsync(
        Host host, string id, string folder, NodeSettings node, Func<RunTicket, CancellationToken, Task<RunSnapshot>> drive)
    {
        var file = Path.Combine(folder, RunFolders.Log);
        var lines = TextWriter.Synchronized(host.Out);
        RunSnapshot last;
        using (var log = new RunLog(file, id, node.LogLevel, host.Terminal.Live ? null : lines))
        {
            try
            {
                using var view = View(host, lines, log);
                using var signals = host.Signals(view.Tell);
                last = await drive(new RunTicket(id, folder, node, view, log.Factory), signals.Stop).ConfigureAwait(false);
                view.Observe(last);
            }
            catch (Exception fault)
            {
                // Everything that ends the process belongs into the log; people are told below.
                log.Fatal(fault);
                return Ended(host, id, Faults.Tell(host, fault, file));
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
            RunStatus.Completed => ExitCodes.Done,
            RunStatus.Stopped => Ended(host, id, ExitCodes.Stopped),
            _ => Ended(host, id, Faults.Tell(host, new CoinException(last.Message ?? $"The run ended as {Words.Of(last.Status)}; see {file}."), file)),
        };
    }

    private static IRunView View(Host host, TextWriter lines, RunLog log) => host.Terminal.Live
        ? new LiveView(AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(host.Out) }), () => log.Notice)
        : new PlainView(lines, host.Clock);

    private static int Ended(Host host, string id, int code)
    {
        host.Error.WriteLine($"Go on with: ./run.sh resume {id}");
        host.Error.Flush();
        return code;
    }
}
