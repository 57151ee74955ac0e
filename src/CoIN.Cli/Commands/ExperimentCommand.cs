using CoIN.Actors.Hosting;
using CoIN.Benchmark;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Reports;
using CoIN.Benchmark.Runs;
using CoIN.Cli.Engine;
using CoIN.Cli.Hosting;
using CoIN.Cli.Logging;
using CoIN.Cli.Runs;
using CoIN.Cli.Views;
using CoIN.Configuration;
using Newtonsoft.Json.Linq;
using Spectre.Console;

namespace CoIN.Cli.Commands;

/// <summary>What <c>run</c>, <c>resume</c>, <c>status</c> and <c>report</c> do with an experiment of several runs.</summary>
internal static class ExperimentCommand
{
    /// <summary>Starts an experiment.</summary>
    public static async Task<int> StartAsync(Host host, LoadedExperiment loaded, string? id, string? runs)
    {
        foreach (var run in loaded.Runs)
        {
            await Preparations.MakeAsync(host, run).ConfigureAwait(false);
            FileRules.Check(run);
        }

        var node = loaded.Runs[0].Node;
        var folders = RunFolders.Resolve(runs, node.Runs, host.Variable, host.Folder);
        var name = folders.CreateExperiment(
            id,
            loaded.Runs[0].Options.Name,
            [.. loaded.Experiment!.Runs.Select(run => run.Name)],
            host.Clock.GetLocalNow()
        );
        var experiment = ExperimentFolder.Create(folders.PathOf(name), loaded, host.Clock.GetLocalNow());
        loaded.Notes.ToList().ForEach(host.Out.WriteLine);
        return await DriveAsync(host, experiment, node, redo: false).ConfigureAwait(false);
    }

    /// <summary>Goes on with all runs of an experiment that can.</summary>
    public static Task<int> ResumeAsync(Host host, ExperimentFolder experiment, string[] overrides, bool redo)
    {
        experiment.EnsureRuns();
        var settings = Path.Combine(experiment.Runs[0].Folder, RunFolders.Settings);
        var node = ConfigurationLoader.LoadNode(Utf8Text.Read(settings), settings, overrides, host.Folder);
        host.Out.WriteLine(Words.Text($"Resuming {experiment.Id}, an experiment of {experiment.Runs.Count} runs."));
        return DriveAsync(host, experiment, node, redo);
    }

    /// <summary>How each run of an experiment stands.</summary>
    public static async Task<int> StatusAsync(Host host, ExperimentFolder experiment, bool json)
    {
        var runs = await ReadAsync(host, experiment).ConfigureAwait(false);
        if (json)
        {
            host.Out.WriteLine(
                StatusJson.Text(
                    new JObject
                    {
                        ["experiment"] = experiment.Id,
                        ["folder"] = experiment.Folder,
                        ["driven"] = host.Engine.IsDriven(experiment.Folder),
                        ["runs"] = new JArray(experiment.Runs.Zip(runs, (run, row) =>
                            {
                                var one = row.Fault is null
                                    ? StatusJson.Of(run.Id, run.Folder, row.Last, host.Engine.IsDriven(run.Folder))
                                    : StatusJson.Row(run.Id, run.Folder, null, driven: false, row.Fault);
                                one["name"] = run.Run.Name;
                                return one;
                            })),
                    }
                )
            );
            return ExitCodes.Done;
        }

        host.Out.WriteLine(
            Words.Text(
                $"Experiment {experiment.Id}: {runs.Count(run => run.Last?.Status == RunStatus.Completed)} of {runs.Count} runs completed"
            )
        );
        var going = runs.Where(run =>
                run.Last is { Status: RunStatus.Running } last
                && last.Training is not null | last.Evaluations.Count + last.Judging.Count > 0
            )
            .Select(run => $"  {run.Name}: {ExperimentScreen.Doing(run.Last)}")
            .ToList();
        Write(
            host,
            [
                "",
                .. ExperimentTable.OfResults(runs),
                "",
                .. going.Count > 0 ? ["Now:", .. going, ""] : Array.Empty<string>(),
                .. ExperimentTable.OfSeeds(experiment.Record.Runs, runs),
                $"Files: {experiment.Folder}",
            ]
        );
        if (
            runs.Any(run => run.Last is null or { Status: RunStatus.Stopped or RunStatus.Interrupted or RunStatus.Failed })
            && !host.Engine.IsDriven(experiment.Folder)
        )
        {
            host.Out.WriteLine(GoOn(experiment));
        }

        return ExitCodes.Done;
    }

    /// <summary>Writes the reports of all runs and their comparison anew.</summary>
    public static async Task<int> ReportAsync(Host host, ExperimentFolder experiment, string? target)
    {
        foreach (var (run, id, folder) in experiment.Runs)
        {
            if (await host.Engine.ReadAsync(folder, CancellationToken.None).ConfigureAwait(false) is not null)
            {
                Write(
                    host,
                    await InspectCommands
                        .WriteAsync(host, id, folder, target is null ? null : Path.Combine(target, run.Name))
                        .ConfigureAwait(false)
                );
            }
        }

        Write(host, await ExperimentComparison.WriteAsync(host, experiment, target ?? experiment.Folder).ConfigureAwait(false));
        return ExitCodes.Done;
    }

    /// <summary>The runs with their last snapshots; without one where a run has not begun or cannot be read.</summary>
    public static async Task<IReadOnlyList<RunRow>> ReadAsync(Host host, ExperimentFolder experiment)
    {
        var rows = new List<RunRow>();
        foreach (var (run, id, folder) in experiment.Runs)
        {
            try
            {
                rows.Add(new RunRow(run.Name, id, await host.Engine.ReadAsync(folder, CancellationToken.None).ConfigureAwait(false), null));
            }
            catch (CoinException fault)
            {
                rows.Add(new RunRow(run.Name, id, null, fault.Message));
            }
        }

        return rows;
    }

    private static async Task<int> DriveAsync(Host host, ExperimentFolder experiment, NodeSettings node, bool redo)
    {
        experiment.EnsureRuns();
        var runs = new List<(string, string, Benchmark.Experiments.ExperimentOptions?)>();
        foreach (var (_, id, folder) in experiment.Runs)
        {
            var settings = Path.Combine(folder, RunFolders.Settings);
            var begun = new[] { RunPaths.Journal, RunPaths.JournalPlace }.Any(file => System.IO.File.Exists(Path.Combine(folder, file)));
            runs.Add(
                (
                    id,
                    folder,
                    begun && await HasBegunAsync(host, folder).ConfigureAwait(false)
                        ? null
                        : ConfigurationLoader.Load([settings], [], host.Folder).Options
                )
            );
        }

        // What another program computed is not shared with runs of this one.
        var same = experiment.Record.Program == ProductVersion.Current;
        if (!same && experiment.Record.Runs.Reuse)
        {
            host.Out.WriteLine(
                $"It was begun by another version of this program ({experiment.Record.Program}): no result is taken over from one run to another."
            );
        }

        host.Out.WriteLine(RunDriver.Follow(experiment.Id));
        var file = Path.Combine(experiment.Folder, RunFolders.Log);
        var lines = TextWriter.Synchronized(host.Out);
        IReadOnlyList<RunOutcome> outcomes;
        using (
            var log = RunLog.OfExperiment(
                file,
                experiment.Runs.ToDictionary(run => run.Id, run => Path.Combine(run.Folder, RunFolders.Log)),
                experiment.Record.Id + "-",
                node.LogLevel,
                host.Terminal.Live ? null : lines
            )
        )
        {
            try
            {
                await using var telemetry = await RunDriver.TelemetryAsync(host, node, log).ConfigureAwait(false);
                var names = experiment.Runs.ToDictionary(run => run.Id, run => run.Run.Name);
                using var view = View(host, experiment.Id, names, lines, log);
                using var signals = host.Signals(view.Tell);
                using var board = RunDriver.Board(experiment.Runs.Select(run => run.Folder), node, log);
                outcomes = await host
                    .Engine.RunExperimentAsync(
                        new ExperimentTicket(experiment.Folder, runs, node, experiment.Record.Runs.Reuse && same, redo, view, log.Factory),
                        signals.Stop
                    )
                    .ConfigureAwait(false);
            }
            catch (Exception fault)
            {
                log.Fatal(fault);
                var code = Faults.Tell(host, fault, file);
                if (fault is not CoinException { IsFinal: true })
                {
                    host.Error.WriteLine(GoOn(experiment));
                }

                return code;
            }
        }

        return await EndAsync(host, experiment, outcomes, file).ConfigureAwait(false);
    }

    private static async Task<bool> HasBegunAsync(Host host, string folder)
    {
        try
        {
            return await host.Engine.ReadAsync(folder, CancellationToken.None).ConfigureAwait(false) is not null;
        }
        catch (CoinException)
        {
            // What cannot be read is told when the run is taken up, and keeps no other run from going on.
            return true;
        }
    }

    private static async Task<int> EndAsync(Host host, ExperimentFolder experiment, IReadOnlyList<RunOutcome> outcomes, string log)
    {
        IReadOnlyList<RunRow> rows =
        [
            .. experiment.Runs.Select(
                (run, place) =>
                    new RunRow(run.Run.Name, run.Id, outcomes[place].Last, outcomes[place].Fault?.Message ?? outcomes[place].Last?.Message)
            ),
        ];
        Write(host, ["", $"Experiment {experiment.Id}:", "", .. ExperimentTable.OfResults(rows), ""]);
        if (rows.Count(row => row.Last?.Status == RunStatus.Completed) > 1)
        {
            if (ExperimentTable.OfSeeds(experiment.Record.Runs, rows) is { Count: > 0 } seeds)
            {
                Write(host, [.. seeds, ""]);
            }

            var files = await ExperimentComparison.WriteAsync(host, experiment, experiment.Folder).ConfigureAwait(false);
            Write(host, ["All runs side by side:", .. files.OrderBy(file => !file.EndsWith(".html", StringComparison.Ordinal))]);
        }

        host.Out.Flush();
        var failed = rows.Where(row => row.Last is null or { Status: RunStatus.Failed }).Where(row => row.Fault is not null).ToList();
        if (failed.Count > 0)
        {
            var code = Faults.Tell(host, new CoinException(string.Join('\n', failed.Select(row => $"{row.Name}: {row.Fault}"))), log);
            host.Error.WriteLine(GoOn(experiment));
            return code;
        }

        if (rows.Any(row => row.Last?.Status != RunStatus.Completed))
        {
            host.Error.WriteLine(GoOn(experiment));
            return ExitCodes.Stopped;
        }

        var judging = rows.SelectMany(row => row.Last!.JudgingFaults.Select(fault => Summary.Fault(row.Id, fault.Key, fault.Value)))
            .ToList();
        return judging.Count > 0 ? Faults.Tell(host, new CoinException(string.Join('\n', judging)), log)
            : rows.Any(row => row.Last!.MissingJudgements > 0) ? ExitCodes.Stopped
            : ExitCodes.Done;
    }

    private static IRunView View(Host host, string id, IReadOnlyDictionary<string, string> names, TextWriter lines, RunLog log) =>
        host.Terminal.Live
            ? new ExperimentLiveView(AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(host.Out) }), id, names, () =>
                log.Notice
            )
            : new ExperimentPlainView(lines, host.Clock, id, names);

    private static string GoOn(ExperimentFolder experiment) => $"Go on with: ./run.sh resume {experiment.Id}";

    private static void Write(Host host, IEnumerable<string> lines)
    {
        foreach (var line in lines)
        {
            host.Out.WriteLine(line);
        }
    }
}
