using System.CommandLine;
using System.CommandLine.Completions;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using CoIN.Benchmark;
using CoIN.Cli.Hosting;
using CoIN.Cli.Runs;

namespace CoIN.Cli.Commands;

/// <summary>The verbs with their arguments and options.</summary>
internal static class CommandTree
{
    /// <summary>Parses and executes a command line; every fault is told and becomes an exit code.</summary>
    public static async Task<int> InvokeAsync(Host host, string[] arguments)
    {
        try
        {
            if (arguments is [CompletionCommand.Ask, "--", .. var words])
            {
                return CompletionCommand.Complete(host, Build(host), words);
            }

            var parsed = Build(host)
                .Parse(arguments, new ParserConfiguration { EnablePosixBundling = false, ResponseFileTokenReplacer = null });
            if (!AsksForHelp(parsed) && Usage.Faults(parsed, arguments) is { Count: > 0 } faults)
            {
                throw Usage.Fault(string.Join('\n', faults) + $"\n./run.sh {Verb(parsed)}--help shows how it is used.");
            }

            // Signals and faults are this program's own business: a run is stopped at a resumable point.
            return await parsed
                .InvokeAsync(
                    new InvocationConfiguration
                    {
                        EnableDefaultExceptionHandler = false,
                        ProcessTerminationTimeout = null,
                        Output = host.Out,
                        Error = host.Error,
                    }
                )
                .ConfigureAwait(false);
        }
        catch (Exception fault)
        {
            // The outermost frame: whatever comes here ends the process, and is told.
            return Faults.Tell(host, fault, log: null);
        }
    }

    private static bool AsksForHelp(ParseResult parsed) =>
        parsed.Action is WelcomeAction && parsed.Tokens.Any(token => token.Value is "--help" or "-h" or "-?");

    private static string Verb(ParseResult parsed) =>
        parsed.CommandResult is { Command: not RootCommand, Command.Name: var name } result
            ? (result.Parent is CommandResult { Command: not RootCommand, Command.Name: var group } ? $"{group} {name} " : $"{name} ")
            : "";

    internal static RootCommand Build(Host host)
    {
        var root = new RootCommand("Measures how multimodal language models forget.");
        var runs = new Option<string?>("--runs")
        {
            HelpName = "DIR",
            Description = "The folder that holds the runs",
            Recursive = true,
        };
        root.Add(runs);
        root.Add(Run(host, runs));
        root.Add(Resume(host, runs));
        root.Add(Inspect("runs", "List the runs", null, (_, folder, json) => InspectCommands.RunsAsync(host, folder, json), runs));
        root.Add(Status(host, runs));
        root.Add(WatchCommand.Build(host, runs));
        root.Add(LogsCommand.Build(host, RunArgument(host, runs), runs));
        root.Add(PredictionsCommand.Build(host, RunArgument(host, runs), runs));
        root.Add(CompletionCommand.Build(host));
        root.Add(NodeCommand.Build(host, runs));
        root.Add(ClusterCommands.Stop(host));
        root.Add(Report(host, runs));
        root.Add(CompareCommand.Build(host, runs));
        root.Add(EvalCommand.Build(host));
        root.Add(ScoreCommand.Build(host));
        root.Add(RescoreCommand.Build(host, RunArgument(host, runs), runs));
        root.Add(MetricsCommand.Build(host));
        root.Add(JudgeCommands.Build(host, () => RunArgument(host, runs), runs));
        root.Add(Validate(host));
        root.Add(DoctorCommand.Build(host, runs));
        root.Add(PlanCommand.Build(host, runs));
        root.Add(ModelCommands.Build(host));
        root.Add(MiniCommands.Build(host));
        root.Add(ClusterCertsCommand.Build(host));
        root.Add(DataCommands.Build(host));
        root.SetAction(_ => Greet(host));
        if (root.Options.OfType<HelpOption>().SingleOrDefault() is { Action: HelpAction usual } help)
        {
            help.Action = new WelcomeAction(host, usual);
        }

        return root;
    }

    private static Command Run(Host host, Option<string?> runs)
    {
        var files = FilesArgument();
        var set = SetOption();
        var id = new Option<string?>("--run-id") { HelpName = "ID", Description = "Name of the run and of its folder" };
        var cluster = ClusterCommands.ClusterOption();
        var command = new Command("run", "Start an experiment") { files, set, id, cluster };
        command.SetAction(
            (parsed, _) =>
                parsed.GetValue(cluster) is { } contacts
                    ? ClusterCommands.SubmitAsync(
                        host,
                        parsed.GetValue(files) ?? [],
                        parsed.GetValue(set) ?? [],
                        parsed.GetValue(id),
                        contacts
                    )
                    : RunCommand.ExecuteAsync(
                        host,
                        parsed.GetValue(files) ?? [],
                        parsed.GetValue(set) ?? [],
                        parsed.GetValue(id),
                        parsed.GetValue(runs)
                    )
        );
        return command;
    }

    private static Command Resume(Host host, Option<string?> runs)
    {
        var run = RunArgument(host, runs);
        var set = SetOption();
        var redo = new Option<bool>("--redo")
        {
            Description = "Do again what was lost: stages, cells or judgements whose files are missing or changed",
        };
        var command = new Command(
            "resume",
            "Go on with a run that was stopped, killed or failed; of a run that exists, only node.… can be set"
        )
        {
            run,
            set,
            redo,
        };
        var (cluster, recipes) = (ClusterCommands.ClusterOption(), ClusterCommands.WithOption());
        command.Add(cluster);
        command.Add(recipes);
        command.SetAction(
            (parsed, _) =>
                parsed.GetValue(cluster) is { } contacts
                    ? ClusterCommands.ResumeAsync(
                        host,
                        parsed.GetValue(run),
                        parsed.GetValue(redo),
                        new ClusterCommands.Way(contacts, parsed.GetValue(recipes) ?? [], parsed.GetValue(set) ?? [])
                    )
                    : ResumeCommand.ExecuteAsync(
                        host,
                        parsed.GetValue(run),
                        parsed.GetValue(set) ?? [],
                        parsed.GetValue(redo),
                        parsed.GetValue(runs)
                    )
        );
        return command;
    }

    private static Command Status(Host host, Option<string?> runs)
    {
        var (run, cluster, recipes, set, json) = (
            RunArgument(host, runs),
            ClusterCommands.ClusterOption(),
            ClusterCommands.WithOption(),
            SetOption(),
            JsonOption()
        );
        var command = new Command("status", "Show how a run stands; with --cluster and no run, what a cluster has")
        {
            run,
            cluster,
            recipes,
            set,
            json,
        };
        command.SetAction(
            (parsed, _) =>
                parsed.GetValue(cluster) is not { } contacts
                    ? InspectCommands.StatusAsync(host, parsed.GetValue(run), parsed.GetValue(runs), parsed.GetValue(json))
                    : ClusterCommands.StatusAsync(
                        host,
                        parsed.GetValue(run),
                        parsed.GetValue(json),
                        new ClusterCommands.Way(contacts, parsed.GetValue(recipes) ?? [], parsed.GetValue(set) ?? [])
                    )
        );
        return command;
    }

    private static Command Report(Host host, Option<string?> runs)
    {
        var run = RunArgument(host, runs);
        var folder = new Option<string?>("--out")
        {
            HelpName = "DIR",
            Description = "Write them into this folder, for instance where the run's own may only be read",
        };
        var command = new Command("report", "Write a run's reports anew: report.html, .md, .json, tables") { run, folder };
        command.SetAction(
            (parsed, _) => InspectCommands.ReportAsync(host, parsed.GetValue(run), parsed.GetValue(folder), parsed.GetValue(runs))
        );
        return command;
    }

    private static Command Validate(Host host)
    {
        var files = FilesArgument();
        var set = SetOption();
        var json = JsonOption();
        var command = new Command("validate", "Check a configuration and list every problem") { files, set, json };
        command.SetAction(parsed =>
            ValidateCommand.Execute(host, parsed.GetValue(files) ?? [], parsed.GetValue(set) ?? [], parsed.GetValue(json))
        );
        return command;
    }

    private static Command Inspect(
        string name,
        string description,
        Argument<string?>? run,
        Func<string?, string?, bool, Task<int>> execute,
        Option<string?> runs
    )
    {
        var json = JsonOption();
        var command = new Command(name, description) { json };
        if (run is not null)
        {
            command.Add(run);
        }

        command.SetAction((parsed, _) => execute(run is null ? null : parsed.GetValue(run), parsed.GetValue(runs), parsed.GetValue(json)));
        return command;
    }

    internal static Option<bool> JsonOption() => new("--json") { Description = "Print a JSON object for programs" };

    internal static Argument<string[]> FilesArgument() =>
        new("hocon") { Arity = ArgumentArity.ZeroOrMore, Description = "Configuration files; later ones win over earlier ones" };

    private static Argument<string?> RunArgument(Host host, Option<string?> runs) =>
        new("run")
        {
            CompletionSources = { RunIds(host, runs) },
            Arity = ArgumentArity.ZeroOrOne,
            Description = "A run's id or the beginning of it, or its folder; by default the latest (of resume: the latest that can go on)",
        };

    /// <summary>What completes an argument that names runs.</summary>
    internal static Func<CompletionContext, IEnumerable<CompletionItem>> RunIds(Host host, Option<string?> runs) =>
        context => Ids(host, context.ParseResult.GetValue(runs));

    /// <summary>Ids of runs and experiments; none where their folder cannot be read.</summary>
    private static IEnumerable<CompletionItem> Ids(Host host, string? runs)
    {
        try
        {
            var folders = RunFolders.Resolve(runs, null, host.Variable, host.Folder);
            return folders.Ids().Concat(folders.Experiments()).Select(id => new CompletionItem(id));
        }
        catch (CoinException)
        {
            return [];
        }
    }

    internal static Option<string[]> SetOption(
        string help = "key=value",
        string what = "Override a configuration key, for example lora.rank=16; may be repeated"
    )
    {
        var set = new Option<string[]>("--set")
        {
            HelpName = help,
            Description = what,
            Arity = ArgumentArity.OneOrMore,
        };
        set.Validators.Add(result =>
        {
            foreach (var text in result.Tokens.Select(token => token.Value).Where(text => !text.Contains('=', StringComparison.Ordinal)))
            {
                result.AddError($"--set {text}: write --set {help}, for example --set lora.rank=16.");
            }
        });
        return set;
    }

    private static int Greet(Host host)
    {
        host.Out.WriteLine(Welcome.Text);
        return ExitCodes.Done;
    }

    /// <summary>The welcome for the program as a whole, the usual help for its verbs.</summary>
    private sealed class WelcomeAction(Host host, HelpAction usual) : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parsed)
        {
            if (parsed.CommandResult.Command is RootCommand)
            {
                return Greet(host);
            }

            var code = usual.Invoke(parsed);
            foreach (var line in Examples.Of(Usage.PathOf(parsed.CommandResult)))
            {
                host.Out.WriteLine(line);
            }

            return code;
        }
    }
}
