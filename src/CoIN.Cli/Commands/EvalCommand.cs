using System.CommandLine;
using CoIN.Actors.Hosting;
using CoIN.Benchmark;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Metrics;
using CoIN.Benchmark.Reports;
using CoIN.Benchmark.Runs;
using CoIN.Benchmark.Scoring;
using CoIN.Cli.Engine;
using CoIN.Cli.Hosting;
using CoIN.Cli.Logging;
using CoIN.Cli.Runs;
using CoIN.Cli.Views;
using CoIN.Configuration;
using Newtonsoft.Json.Linq;

namespace CoIN.Cli.Commands;

/// <summary>
/// <c>coin eval</c>: tests an adapter, or the base model, and leaves no run. The actors do what they do for a cell of a run, in a folder
/// that is deleted.
/// </summary>
internal static class EvalCommand
{
    private const string Id = "eval";
    private const string Results = "eval.json";

    // Of a model that is trained no further.
    private const int Untrained = 0;

    public static Command Build(Host host)
    {
        var files = CommandTree.FilesArgument();
        var set = CommandTree.SetOption();
        var adapter = new Option<string?>("--adapter")
        {
            HelpName = "DIR",
            Description =
                "The adapter's folder, or the file of a MiniGPT-v2 stage; without it the base model, or the configuration's lora.from",
        };
        var tasks = new Option<string[]>("--tasks")
        {
            HelpName = "T[,…]",
            Description = "What to test; by default the tasks of the configuration's order",
            Arity = ArgumentArity.OneOrMore,
            AllowMultipleArgumentsPerToken = true,
        };
        var to = new Option<string?>("--out")
        {
            HelpName = "DIR",
            Description = "A new folder for predictions, scores and eval.json; without it only the numbers are shown",
        };
        var json = CommandTree.JsonOption();
        var command = new Command(
            "eval",
            "Test an adapter or a base model without a run; model, data and judge are those of a configuration, such as a run's settings.conf"
        )
        {
            files,
            set,
            adapter,
            tasks,
            to,
            json,
        };
        command.SetAction(
            (parsed, _) =>
                ExecuteAsync(
                    host,
                    parsed.GetValue(files) ?? [],
                    parsed.GetValue(set) ?? [],
                    parsed.GetValue(adapter),
                    [
                        .. (parsed.GetValue(tasks) ?? []).SelectMany(text =>
                            text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                        ),
                    ],
                    parsed.GetValue(to),
                    parsed.GetValue(json)
                )
        );
        return command;
    }

    private static async Task<int> ExecuteAsync(
        Host host,
        string[] files,
        string[] overrides,
        string? adapter,
        string[] tasks,
        string? to,
        bool json
    )
    {
        if (files.Length == 0)
        {
            throw Usage.Fault(
                "Name a configuration with the model and the data, for example: ./run.sh eval runs/<id>/settings.conf --adapter runs/<id>/stages/8-OCR-VQA/adapter"
            );
        }

        var target = to is null ? null : Path.GetFullPath(Path.Combine(host.Folder, to));
        if (target is not null && (File.Exists(target) || (Directory.Exists(target) && Directory.EnumerateFileSystemEntries(target).Any())))
        {
            throw new CoinException($"--out {to}: there is something already, and nothing is overwritten. Name a new folder.");
        }

        // Results go to the output, all else to the error stream: so they can be piped.
        var beside = host with { Out = host.Error };
        var loaded = ConfigurationLoader.LoadForEvaluation(
            files,
            overrides,
            adapter,
            tasks,
            host.Folder,
            Preparations.CheckOf(beside, samples: false)
        );
        await Preparations.MakeAsync(beside, loaded).ConfigureAwait(false);
        FileRules.Check(loaded);
        var folder = Directory.CreateTempSubdirectory("coin-eval-").FullName;
        try
        {
            var (last, fault) = await DriveAsync(host, loaded, folder).ConfigureAwait(false);
            return last switch
            {
                null => fault,
                { Status: RunStatus.Completed } => await EndAsync(host, loaded, last, folder, target, json).ConfigureAwait(false),
                { Status: RunStatus.Stopped } => Stopped(host),
                _ => Faults.Tell(host, new CoinException(last.Message ?? $"The test ended as {Words.Of(last.Status)}."), log: null),
            };
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<(RunSnapshot? Last, int Fault)> DriveAsync(Host host, LoadedConfiguration loaded, string folder)
    {
        // Whatever the configuration says of clusters and databases: this is between the command and its own folder.
        var node = loaded.Node with
        {
            Placement = new NodePlacement.Alone(),
            Cluster = new ClusterSettings(),
            Roles = new NodeSettings().Roles,
        };
        var lines = TextWriter.Synchronized(host.Error);
        using var log = new RunLog(Path.Combine(folder, RunFolders.Log), Id, node.LogLevel, lines);
        try
        {
            await using var telemetry = await RunDriver.TelemetryAsync(host with { Out = host.Error }, node, log).ConfigureAwait(false);
            using var view = new PlainView(lines, host.Clock);
            using var signals = host.Signals(view.Tell);
            var last = await host
                .Engine.RunAsync(new RunTicket(Id, folder, node, view, log.Factory), loaded.Options, signals.Stop)
                .ConfigureAwait(false);
            view.Observe(last);
            return (last, ExitCodes.Done);
        }
        catch (Exception fault)
        {
            return (null, Faults.Tell(host, fault, log: null));
        }
    }

    private static int Stopped(Host host)
    {
        host.Error.WriteLine(
            "Stopped; what was answered is not kept. A test that can be resumed is a run: ./run.sh run … --set method=zero-shot --set lora.from=DIR"
        );
        return ExitCodes.Stopped;
    }

    private static async Task<int> EndAsync(
        Host host,
        LoadedConfiguration loaded,
        RunSnapshot last,
        string folder,
        string? target,
        bool json
    )
    {
        var report = await host.Engine.DescribeAsync(folder, CancellationToken.None).ConfigureAwait(false)
            ?? throw new InvalidOperationException("the run has no journal");
        var cells = report.Tasks.Select(task => report.Cell(Untrained, task)).OfType<CellReport>().ToList();
        var results = Json(loaded, report, cells, folder, target);
        if (target is not null)
        {
            Keep(cells, folder, target);
            Durable.WriteText(Path.Combine(target, Results), StatusJson.Text(results) + "\n");
        }

        if (json)
        {
            host.Out.WriteLine(StatusJson.Text(results));
        }
        else
        {
            Print(host.Out, loaded, report, cells, folder, target);
        }

        host.Out.Flush();
        return last.JudgingFaults.Count == 0
            ? ExitCodes.Done
            : Faults.Tell(
                host,
                new CoinException(string.Join('\n', last.JudgingFaults.Select(fault => $"Judging by {fault.Key} failed: {fault.Value}"))),
                log: null
            );
    }

    private static void Keep(IReadOnlyList<CellReport> cells, string folder, string target)
    {
        foreach (var cell in cells)
        {
            Copy(folder, RunPaths.Predictions(Untrained, cell.Task), Path.Combine(target, "predictions", $"{cell.Task}.jsonl"));
            Copy(folder, RunPaths.Scores(Untrained, cell.Task), Path.Combine(target, "scores", $"{cell.Task}.jsonl"));
            foreach (var judged in cell.Judgements)
            {
                Copy(
                    folder,
                    RunPaths.Judgements(judged.Judge, Untrained, cell.Task),
                    Path.Combine(target, "judgements", judged.Judge, $"{cell.Task}.jsonl")
                );
            }
        }
    }

    private static void Copy(string folder, string file, string target)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(Path.Combine(folder, file), target);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CoinException($"Cannot write {target}: {e.Message.TrimEnd('.')}. Name another folder with --out.", e);
        }
    }

    private static string Percent(double? value) => value is { } known ? Words.Text($"{known:0.00}") : "-";

    private static Interval? IntervalOf(CellReport cell, string folder) =>
        Bootstrap.Accuracy([
            .. ScoresFile
                .Read(Path.Combine(folder, RunPaths.Scores(Untrained, cell.Task)))
                .Select(score => score.Published)
                .OfType<double>(),
        ]);

    private static JObject Json(
        LoadedConfiguration loaded,
        RunReport report,
        IReadOnlyList<CellReport> cells,
        string folder,
        string? target
    ) =>
        new()
        {
            ["model"] = loaded.Options.Model.Name(),
            ["baseModelSha256"] = report.BaseModelSha256,
            ["adapter"] = loaded.Options.Lora.From,
            ["adapterSha256"] = report.GivenAdapterSha256,
            ["out"] = target,
            ["tasks"] = new JArray(
                cells.Select(cell => new JObject
                {
                    ["task"] = cell.Task,
                    ["published"] = cell.Scored.Accuracy,
                    ["samples"] = cell.Scored.Samples,
                    ["interval"] = IntervalOf(cell, folder) is { } interval ? new JArray(interval.Low, interval.High) : null,
                    ["corrected"] = cell.Scored.Corrected,
                    ["correctedSamples"] = cell.Scored.CorrectedSamples,
                    ["predictionsSha256"] = cell.Scored.Sha256,
                    ["answerSeconds"] = cell.AnswerSeconds,
                    ["judges"] = new JArray(
                        cell.Judgements.Select(judged => new JObject
                        {
                            ["judge"] = judged.Judge,
                            ["kind"] = judged.Kind.ToString().ToLowerInvariant(),
                            ["published"] = judged.Measured(),
                            ["corrected"] = judged.Corrected,
                            ["samples"] = judged.Samples,
                            ["unparsable"] = judged.Unparsable,
                        })
                    ),
                })
            ),
        };

    private static void Print(
        TextWriter output,
        LoadedConfiguration loaded,
        RunReport report,
        IReadOnlyList<CellReport> cells,
        string folder,
        string? target
    )
    {
        output.WriteLine(
            loaded.Options.Lora.From is { } adapter
                ? $"{loaded.Options.Model.Name()} with the adapter {adapter} (SHA-256 {report.GivenAdapterSha256 ?? "not recorded"})"
                : $"{loaded.Options.Model.Name()}, the base model"
        );
        var judges = cells.SelectMany(cell => cell.Judgements).Select(judged => judged.Judge).Distinct().ToList();
        output.WriteLine();
        output.WriteLine("Truth Alignment, percent" + (judges.Count > 0 ? "; Reasoning Capability, published parser, percent" : ""));
        foreach (
            var line in ExperimentTable.Lines([
                ["task", "published", "95 % interval", "samples", "corrected", "samples", .. judges, "samples/s"],
                .. cells.Select(cell =>
                    (IReadOnlyList<string>)
                        [
                            cell.Task,
                            Percent(cell.Scored.Accuracy),
                            IntervalOf(cell, folder) is { } interval ? Words.Text($"{interval.Low:0.00} to {interval.High:0.00}") : "-",
                            Words.Text($"{cell.Scored.Samples}"),
                            Percent(cell.Scored.Corrected),
                            Words.Text($"{cell.Scored.CorrectedSamples}"),
                            .. judges.Select(judge => Percent(cell.Judgements.FirstOrDefault(judged => judged.Judge == judge)?.Measured())),
                            cell.AnswerSeconds is > 0 and var seconds ? Words.Text($"{cell.Scored.Samples / seconds:0.0}") : "-",
                        ]
                ),
            ])
        )
        {
            output.WriteLine(line);
        }

        if (target is not null)
        {
            output.WriteLine();
            output.WriteLine($"Predictions, scores and {Results}: {target}");
        }
    }
}
