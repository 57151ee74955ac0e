using System.CommandLine;
using System.CommandLine.Parsing;
using CoIN.Benchmark;
using CoIN.Benchmark.Scoring;

namespace CoIN.Cli.Commands;

/// <summary>What is wrong with a command line as such, told with the nearest thing that would be right.</summary>
internal static class Usage
{
    /// <summary>A fault of the command line that only its command can see.</summary>
    public static CoinException Fault(string message) => new(message) { ExitCode = CoinException.Usage };

    /// <summary>Everything that is wrong, a sentence each; none for a line that can be executed.</summary>
    public static IReadOnlyList<string> Faults(ParseResult parsed, string[] arguments)
    {
        var path = PathOf(parsed.CommandResult);
        var line = arguments.TakeWhile(text => text != "--").ToArray();
        if (Misplaced(parsed.CommandResult, path, line) is { Count: > 0 } options)
        {
            return options;
        }

        if (parsed.Errors.Count > 0 && parsed.CommandResult.Command is { Subcommands.Count: > 0 } group)
        {
            return [NoCommand(parsed.RootCommandResult.Command, group, path, parsed.UnmatchedTokens.FirstOrDefault())];
        }

        return [.. parsed.Errors.Select(error => Told(error, path)).Distinct()];
    }

    /// <summary>Options that the command does not have, or that stand before it.</summary>
    private static List<string> Misplaced(CommandResult command, string path, string[] line)
    {
        var known = Options(command).ToList();
        var anywhere = known.Where(option => option.Recursive).SelectMany(Names).ToHashSet(StringComparer.Ordinal);
        var names = known.SelectMany(Names).ToHashSet(StringComparer.Ordinal);
        var begin = 0;
        foreach (var word in path.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            begin = Array.IndexOf(line, word, begin) + 1;
        }

        var faults = new List<string>();
        for (var i = 0; i < line.Length; i++)
        {
            if (line[i].TrimStart('-') is not { Length: > 0 } text || line[i][0] != '-' || !char.IsAsciiLetter(text[0]))
            {
                continue;
            }

            var name = line[i].Split('=')[0];
            if (names.Contains(name) && i < begin && !anywhere.Contains(name))
            {
                faults.Add($"{name} stands before its command. Write: ./run.sh {path} … {name} …");
            }
            else if (!names.Contains(name) && name is not ("-h" or "-?"))
            {
                var nearest = NearestName.Of(name.TrimStart('-'), known.Select(option => option.Name.TrimStart('-')));
                faults.Add($"There is no option {name}; the nearest one {(path.Length > 0 ? $"of '{path}' " : "")}is --{nearest}.");
            }
        }

        return faults;
    }

    private static string NoCommand(Command root, Command group, string path, string? given)
    {
        var names = group.Subcommands.Select(command => command.Name).ToList();
        if (given is null)
        {
            return $"'{path}' needs one of its commands: {string.Join(", ", names)}.";
        }

        if (
            path.Length == 0
            && (given.EndsWith(".hocon", StringComparison.OrdinalIgnoreCase) || given.EndsWith(".conf", StringComparison.OrdinalIgnoreCase))
        )
        {
            return $"There is no command {given}. A configuration file is run with: ./run.sh run {given}";
        }

        // A command of a group may have been called without its group.
        var candidates = names
            .Select(name => (Name: name, Path: $"{path} {name}".Trim()))
            .Concat(
                path.Length > 0
                    ? []
                    : root.Subcommands.SelectMany(outer =>
                        outer.Subcommands.Select(inner => (inner.Name, Path: $"{outer.Name} {inner.Name}"))
                    )
            )
            .ToList();
        return NearestName.Close(given, candidates.Select(candidate => candidate.Name)) is { } near
            ? $"There is no command '{$"{path} {given}".Trim()}'; did you mean '{candidates.First(candidate => candidate.Name == near).Path}'?"
            : $"There is no command '{$"{path} {given}".Trim()}'. There are {string.Join(", ", names)}.";
    }

    private static string Told(ParseError error, string path) =>
        error.SymbolResult switch
        {
            OptionResult { Tokens.Count: 0, Option: { Arity.MinimumNumberOfValues: > 0 } option }
                when error.Message.Contains("argument", StringComparison.Ordinal) =>
                $"{option.Name} needs a value: {option.Name} {option.HelpName ?? "VALUE"}",
            ArgumentResult { Tokens.Count: 0, Argument: { Arity.MinimumNumberOfValues: > 0 } argument } => Needs(path, argument),
            CommandResult { Command: var command }
                when error.Message.StartsWith("Required argument", StringComparison.Ordinal) && command.Arguments.Count > 0 => Needs(
                path,
                command.Arguments.FirstOrDefault(argument => argument.Arity.MinimumNumberOfValues > 0) ?? command.Arguments[0]
            ),
            OptionResult { Option: { Required: true } option } when error.Message.Contains("required", StringComparison.Ordinal) =>
                $"{option.Name} {option.HelpName} is needed.",
            _ when error.Message.StartsWith("Unrecognized", StringComparison.Ordinal) && error.Message.Split('\'') is [_, var word, ..] =>
                $"'{path}' does not take {word} too.",
            _ => error.Message,
        };

    private static string Needs(string path, Argument argument) => $"'{path}' needs <{argument.Name}>: {argument.Description}.";

    private static IEnumerable<Option> Options(CommandResult command) =>
        command.Command.Options.Concat(Outer(command).SelectMany(outer => outer.Command.Options.Where(option => option.Recursive)));

    private static IEnumerable<CommandResult> Outer(CommandResult command)
    {
        for (var outer = command.Parent as CommandResult; outer is not null; outer = outer.Parent as CommandResult)
        {
            yield return outer;
        }
    }

    private static IEnumerable<string> Names(Option option) => option.Aliases.Append(option.Name);

    /// <summary>The words that name a command, without the program's.</summary>
    public static string PathOf(CommandResult command) =>
        string.Join(
            ' ',
            Outer(command).Reverse().Append(command).Where(one => one.Command is not RootCommand).Select(one => one.Command.Name)
        );
}
