using System.CommandLine;
using CoIN.Benchmark;
using CoIN.Cli.Hosting;
using CoIN.Cli.Logging;
using CoIN.Cli.Runs;
using Serilog.Events;

namespace CoIN.Cli.Commands;

/// <summary><c>coin logs</c>: what a run's actors said, for people or programs.</summary>
internal static class LogsCommand
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(500);

    private static readonly Dictionary<string, LogEventLevel> Levels = new(StringComparer.OrdinalIgnoreCase)
    {
        ["debug"] = LogEventLevel.Debug,
        ["info"] = LogEventLevel.Information,
        ["warning"] = LogEventLevel.Warning,
        ["error"] = LogEventLevel.Error,
    };

    public static Command Build(Host host, Argument<string?> run, Option<string?> runs)
    {
        var follow = new Option<bool>("--follow") { Description = "Go on with what is written from now on, until Ctrl-C" };
        var actor = new Option<string?>("--actor")
        {
            HelpName = "NAME",
            Description = "Only what this actor said, for instance trainer or evaluator-cpu-1: the beginning of its name",
        };
        var stage = NumberOption.Optional("--stage", "Only what belongs to this stage; 0 is the base model", 0);
        var level = new Option<string>("--level")
        {
            Description = "debug, info, warning or error: this and more severe",
            DefaultValueFactory = _ => "info",
        };
        level.AcceptOnlyFromAmong([.. Levels.Keys]);
        var json = new Option<bool>("--json") { Description = "The lines as they stand in log.clef: a JSON object each" };
        var command = new Command("logs", "Show a run's log") { run, follow, actor, stage, level, json };
        command.SetAction(
            (parsed, _) =>
                ShowAsync(host, parsed.GetValue(run), parsed.GetValue(runs), parsed.GetValue(follow), parsed.GetValue(json), line =>
                    line.Level >= Levels[parsed.GetValue(level)!]
                    && (parsed.GetValue(stage) is not { } number || line.Stage == number)
                    && (parsed.GetValue(actor) is not { } name || line.Actor?.StartsWith(name, StringComparison.OrdinalIgnoreCase) == true)
                )
        );
        return command;
    }

    private static async Task<int> ShowAsync(Host host, string? run, string? runs, bool follow, bool json, Func<LogLine, bool> wanted)
    {
        var experiment = InspectCommands.LocateExperiment(host, run, runs);
        var folder = experiment?.Folder ?? InspectCommands.Locate(host, run, runs).Folder;
        var reader = experiment is null ? new LogReader(folder) : new LogReader(folder, [.. experiment.Runs.Select(one => one.Id)]);
        var lines = reader.Next();
        if (!follow && lines.Count == 0)
        {
            throw new CoinException($"There is no {RunFolders.Log} in {folder} that says anything: nothing has been logged there yet.");
        }

        using var signals = follow ? host.Signals(_ => { }) : null;
        for (; ; lines = reader.Next())
        {
            foreach (var line in lines.Where(wanted))
            {
                host.Out.WriteLine(json ? line.Json : line.Text());
            }

            host.Out.Flush();
            if (!follow)
            {
                return ExitCodes.Done;
            }

            if (await StoppedAsync(signals!.Stop).ConfigureAwait(false))
            {
                return ExitCodes.Stopped;
            }
        }
    }

    private static async Task<bool> StoppedAsync(CancellationToken stop)
    {
        await Task.Delay(LookEvery, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return stop.IsCancellationRequested;
    }
}
