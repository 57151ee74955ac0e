using System.CommandLine;
using CoIN.Benchmark;
using CoIN.Benchmark.Checking;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Scoring;
using CoIN.Cli.Hosting;
using CoIN.Cli.Views;

namespace CoIN.Cli.Commands;

/// <summary><c>coin data check</c>: finds what would break a run after hours, or spoil its numbers.</summary>
internal static class DataCheckCommand
{
    private const string Error = "error";
    private const string Warning = "warning";
    private const string None = "none";

    public static Command Build(Host host)
    {
        var files = CommandTree.FilesArgument();
        var set = CommandTree.SetOption();
        var task = DataCommands.TaskOption();
        var output = new Option<string?>("--out")
        {
            HelpName = "FILE",
            Description = "Where every finding goes, as JSON lines; by default <name>-data-check.jsonl in the current folder",
        };
        var failOn = new Option<string[]>("--fail-on")
        {
            HelpName = "WHAT",
            Description = "What makes the exit status 1: error (by default), warning, none, or names of kinds",
            Arity = ArgumentArity.OneOrMore,
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => [Error],
        };
        var command = new Command("check", "Find what in the data would break a run, or spoil its numbers")
        {
            files,
            set,
            task,
            output,
            failOn,
        };
        command.SetAction(
            (parsed, _) =>
                ExecuteAsync(
                    host,
                    parsed.GetValue(files) ?? [],
                    parsed.GetValue(set) ?? [],
                    parsed.GetValue(task) ?? [],
                    parsed.GetValue(output),
                    parsed.GetValue(failOn) ?? []
                )
        );
        return command;
    }

    private static async Task<int> ExecuteAsync(
        Host host,
        string[] files,
        string[] overrides,
        string[] tasks,
        string? output,
        string[] failOn
    )
    {
        var faults = Faults(failOn);
        var options = (await DataCommands.LoadAsync(host, "check", files, overrides, tasks).ConfigureAwait(false)).Here;
        var path = Path.GetFullPath(Path.Combine(host.Folder, output ?? $"{options.Name}-data-check.jsonl"));
        if (Directory.Exists(path))
        {
            throw new CoinException(
                $"--out {output ?? path}: that is a folder; the findings go into one file. Name a file in it: --out {Path.Combine(output ?? path, $"{options.Name}-data-check.jsonl")}"
            );
        }

        var cores = Environment.ProcessorCount;
        host.Out.WriteLine(
            $"Checking {Plural.Of(options.Tasks.Count, "task")} of {options.Data.Instructions}, images of {options.Data.Images}"
        );
        var (renderer, skipped) = Renderer(host, options);
        var begun = host.Clock.GetTimestamp();
        CheckSummary summary;
        using (var signals = host.Signals(host.Error.WriteLine))
        {
            var line = new ProgressLine(host.Out, host.Terminal, host.Clock);
            summary = await Task.Run(() => new DataCheck(options, host.Data.Inspector, renderer, cores).Run(path, line.Show, signals.Stop))
                .ConfigureAwait(false);
            line.Clear();
        }

        foreach (var text in CheckReport.Lines(summary, options, skipped, host.Clock.GetElapsedTime(begun), path))
        {
            host.Out.WriteLine(text);
        }

        return summary.Stopped ? ExitCodes.Stopped
            : summary.Kinds.Any(kind => faults(kind.Kind)) ? ExitCodes.Fault
            : ExitCodes.Done;
    }

    /// <summary>The model's eyes, or why there are none.</summary>
    private static (ISampleRenderer? Renderer, string? Skipped) Renderer(Host host, ExperimentOptions options)
    {
        if (options.Model.Name().Length == 0)
        {
            return (null, "model.path is not set");
        }

        try
        {
            return (host.Data.Renderer(options), null);
        }
        catch (CoinException e)
        {
            return (null, e.Message.TrimEnd('.'));
        }
    }

    private static Func<FindingKind, bool> Faults(string[] written)
    {
        string[] names =
        [
            .. written.SelectMany(text => text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)),
        ];
        string[] known = [Error, Warning, None, .. FindingKind.All.Select(kind => kind.Name)];
        if (names.FirstOrDefault(name => !known.Contains(name)) is { } unknown)
        {
            throw Usage.Fault($"--fail-on {unknown}: did you mean {NearestName.Of(unknown, known)}? There are {string.Join(", ", known)}.");
        }

        return kind => names.Contains(kind.Name) || names.Contains(Warning) || (names.Contains(Error) && kind.Severity == Severity.Error);
    }
}
