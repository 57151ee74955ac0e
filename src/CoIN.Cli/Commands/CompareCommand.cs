using System.CommandLine;
using CoIN.Benchmark;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Metrics;
using CoIN.Benchmark.Reports.Comparison;
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
    };

    public static Command Build(Host host, Option<string?> runs)
    {
        var names = new Argument<string[]>("run")
        {
            Arity = new ArgumentArity(0, 1000), Description = "Ids of runs or the beginnings of them, or folders of runs; the others are compared with the first",
        };
        var folder = new Option<string?>("--out") { HelpName = "DIR", Description = "Write comparison.md, .csv, .tex and .html into this folder" };
        var format = new Option<string[]>("--format")
        {
            HelpName = "text|markdown|csv|latex|html",
            Description = "What is printed (text by default) or, with --out, written (all but text by default); may be repeated",
            Arity = ArgumentArity.OneOrMore,
        };
        format.AcceptOnlyFromAmong([.. Formats.Keys]);
        var command = new Command("compare", "Put runs side by side") { names, folder, format };
        command.SetAction((parsed, stop) => ExecuteAsync(
            host, parsed.GetValue(names)!, parsed.GetValue(folder), parsed.GetValue(format) ?? [], RunFolders.Resolve(parsed.GetValue(runs), null, host.Variable, host.Folder),
            stop));
        return command;
    }

    private static async Task<int> ExecuteAsync(Host host, string[] names, string? folder, string[] formats, RunFolders runs, CancellationToken stop)
    {
        if (names.Length < 2)
        {
            throw Usage.Fault(names is [var only]
                ? $"compare needs two runs or more and was given one, {only}. Name another one (./run.sh runs lists them): ./run.sh compare {only} <run>; "
                    + $"or look at this one: ./run.sh status {only}"
                : "compare needs two runs or more; ./run.sh runs lists them. The others are compared with the first: ./run.sh compare <run> <run>");
        }

        var read = new List<ReportedRun>();
        foreach (var name in names)
        {
            var path = runs.Find(name, host.Folder).Folder;
            var report = await host.Engine.DescribeAsync(path, stop).ConfigureAwait(false)
                ?? throw new CoinException($"The run {name} has not begun; there is nothing to compare. ./run.sh resume {name} starts it.");
            read.Add(new ReportedRun(report, path));
        }

        if (folder is null)
        {
            var rendered = ComparisonText.Render(read, formats.Length > 0 ? formats.Select(name => Formats[name]) : [ComparisonFormat.Text]);
            host.Out.Write(string.Join('\n', rendered.Values));
            return ExitCodes.Done;
        }

        var wanted = formats.Length > 0 ? formats.Select(name => Formats[name]) : Formats.Values.Where(format => format != ComparisonFormat.Text);
        foreach (var (form, text) in ComparisonText.Render(read, wanted))
        {
            var path = Path.Combine(Path.GetFullPath(Path.Combine(host.Folder, folder)), ComparisonText.FileName(form));
            Durable.WriteText(path, text);
            host.Out.WriteLine(path);
        }

        return ExitCodes.Done;
    }
}
