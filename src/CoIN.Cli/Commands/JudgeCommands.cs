using System.CommandLine;
using CoIN.Benchmark;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Runs;
using CoIN.Cli.Hosting;
using CoIN.Cli.Runs;
using CoIN.Cli.Views;
using CoIN.Configuration;

namespace CoIN.Cli.Commands;

/// <summary><c>coin judge</c>: Reasoning Capability of runs that exist.</summary>
internal static class JudgeCommands
{
    public static Command Build(Host host, Func<Argument<string?>> run, Option<string?> runs) =>
        new("judge", "Have the answers of a run judged, by a language model or by people")
        {
            Run(host, run(), runs),
            Dismiss(host, runs),
            UserStudyCommands.Export(host, run(), runs),
            UserStudyCommands.Import(host, runs),
        };

    private static Command Run(Host host, Argument<string?> run, Option<string?> runs)
    {
        var judge = new Option<string[]>("--judge")
        {
            HelpName = "hocon",
            Description = "A judge's configuration file, e.g. hocon/judges/ollama.hocon; may be repeated",
            Arity = ArgumentArity.OneOrMore,
        };
        var set = CommandTree.SetOption("judge.key=value", "Override a key of judge or node; may be repeated");
        var command = new Command("run", "Have a run judged by another judge, without its model") { run, judge, set };
        command.SetAction(
            (parsed, _) =>
                RunAsync(host, parsed.GetValue(run), parsed.GetValue(judge) ?? [], parsed.GetValue(set) ?? [], parsed.GetValue(runs))
        );
        return command;
    }

    private static Command Dismiss(Host host, Option<string?> runs)
    {
        var run = new Argument<string>("run")
        {
            CompletionSources = { CommandTree.RunIds(host, runs) },
            Description = "A run's id or the beginning of it",
        };
        var judge = new Argument<string>("judge") { Description = "The judge's name" };
        var command = new Command("dismiss", "Ask a judge of a run no more; what it judged stays") { run, judge };
        command.SetAction(
            async (parsed, _) =>
            {
                var (id, folder) = InspectCommands.Locate(host, parsed.GetValue(run), parsed.GetValue(runs));
                var snapshot = await host.Engine.DismissAsync(folder, parsed.GetValue(judge)!).ConfigureAwait(false);
                host.Out.WriteLine($"The judge {parsed.GetValue(judge)} is dismissed; the run {id} is {Words.Of(snapshot.Status)}.");
                return ExitCodes.Done;
            }
        );
        return command;
    }

    private static async Task<int> RunAsync(Host host, string? run, string[] files, string[] overrides, string? runs)
    {
        var (id, folder) = InspectCommands.Locate(host, run, runs);
        var settings = Path.Combine(folder, RunFolders.Settings);
        var (judge, node) = ConfigurationLoader.LoadJudge(Utf8Text.Read(settings), settings, files, overrides, host.Folder);
        host.Out.WriteLine($"Judging {id}: {judge.Name}, {Words.Of(judge.Kind)}.");

        // The first device of the run may be a GPU of another host; a judge that is no local model needs none.
        return await RunDriver
            .DriveAsync(host, id, folder, node with { Roles = ["supervisor", "judge"] }, (ticket, stop) =>
                host.Engine.JudgeAsync(ticket, judge, stop)
            )
            .ConfigureAwait(false);
    }
}
