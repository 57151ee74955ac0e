using System.CommandLine;
using CoIN.Benchmark;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Reports.Comparison;
using CoIN.Benchmark.Reports.Paper;
using CoIN.Benchmark.Reports.Results;
using CoIN.Cli.Hosting;
using CoIN.Cli.Runs;

namespace CoIN.Cli.Commands;

/// <summary><c>coin compare</c>: puts runs side by side.</summary>
internal static class CompareCommand
{
    private static readonly Dictionary<string, ComparisonFormat> Formats = new(StringComparer.Ordinal)
    {
        ["text"] = ComparisonFormat.Text,
        ["markdown"] = ComparisonFormat.Markdown,
        ["csv"] = ComparisonFormat.Csv,
        ["latex"] = ComparisonFormat.Latex,
        ["html"] = ComparisonFormat.Html,
        ["json"] = ComparisonFormat.Json,
    };

    public static Command Build(Host host, Option<string?> runs)
    {
        var names = new Argument<string[]>("run")
        {
            CompletionSources = { CommandTree.RunIds(host, runs) },
            Arity = new ArgumentArity(0, 1000),
            Description = "Ids of runs or the beginnings of them, or folders of runs; the others are compared with the first",
        };
        var folder = new Option<string?>("--out")
        {
            HelpName = "DIR",
            Description = "Write comparison.md, .csv, .tex, .html and .json into this folder",
        };
        var published = new Option<string[]>("--published")
        {
            HelpName = "NAME",
            Description =
                "Published results of CoIN's authors: without a name their list, without a run their matrices, else cell by cell beside the runs; may be repeated",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var format = new Option<string[]>("--format")
        {
            HelpName = "text|markdown|csv|latex|html|json",
            Description = "What is printed (text by default) or, with --out, written (all but text by default); may be repeated",
            Arity = ArgumentArity.OneOrMore,
        };
        format.AcceptOnlyFromAmong([.. Formats.Keys]);
        var json = new Option<bool>("--json") { Description = "The same as --format json" };
        var command = new Command("compare", "Put runs side by side") { names, published, folder, format, json };
        command.SetAction(
            (parsed, stop) =>
                ExecuteAsync(
                    host,
                    parsed.GetValue(names)!,
                    parsed.GetResult(published) is null ? null : parsed.GetValue(published) ?? [],
                    parsed.GetValue(folder),
                    [.. (parsed.GetValue(format) ?? []).Concat(parsed.GetValue(json) ? ["json"] : []).Select(name => Formats[name])],
                    RunFolders.Resolve(parsed.GetValue(runs), null, host.Variable, host.Folder),
                    stop
                )
        );
        return command;
    }

    /// <param name="published">Names of published results; empty for their list, null for none of that.</param>
    private static async Task<int> ExecuteAsync(
        Host host,
        string[] names,
        string[]? published,
        string? folder,
        ComparisonFormat[] formats,
        RunFolders runs,
        CancellationToken stop
    )
    {
        if (names.Length == 0 && published is not null)
        {
            return Write(host, folder, formats, format =>
                published.Length == 0 ? PublishedText.List(format) : PublishedText.Render(published, format)
            );
        }

        // An experiment stands for all its runs.
        names =
        [
            .. names.SelectMany(name =>
                runs.FindExperiment(name, host.Folder) is { } experiment ? experiment.Runs.Select(run => run.Folder) : [name]
            ),
        ];
        if (names.Length < 2 && published is not { Length: > 0 })
        {
            throw Usage.Fault(
                names is [var only]
                    ? published is not null
                        ? $"--published needs the name of a published result to set {only} beside; ./run.sh compare --published lists them"
                        : $"compare needs two runs or more and was given one, {only}. Name another one (./run.sh runs lists them): ./run.sh compare {only} <run>; "
                            + $"or look at this one: ./run.sh status {only}"
                    : "compare needs two runs or more; ./run.sh runs lists them. The others are compared with the first: ./run.sh compare <run> <run>"
            );
        }

        var read = new List<ReportedRun>();
        foreach (var name in names)
        {
            var path = runs.Find(name, host.Folder).Folder;
            var report = await host.Engine.DescribeAsync(path, stop).ConfigureAwait(false)
                ?? throw new CoinException($"The run {name} has not begun; there is nothing to compare. ./run.sh resume {name} starts it.");
            read.Add(new ReportedRun(report, path));
        }

        var comparison = ComparisonText.Of(read, published ?? []);
        return Write(host, folder, formats, comparison.Render);
    }

    private static int Write(Host host, string? folder, ComparisonFormat[] formats, Func<ComparisonFormat, string> render)
    {
        if (folder is null)
        {
            host.Out.Write(string.Join('\n', (formats.Length > 0 ? formats : [ComparisonFormat.Text]).Distinct().Select(render)));
            return ExitCodes.Done;
        }

        foreach (var format in formats.Length > 0 ? formats.Distinct() : Formats.Values.Where(format => format != ComparisonFormat.Text))
        {
            var path = Path.Combine(Path.GetFullPath(Path.Combine(host.Folder, folder)), ComparisonText.FileName(format));
            Durable.WriteText(path, render(format));
            host.Out.WriteLine(path);
        }

        return ExitCodes.Done;
    }
}
