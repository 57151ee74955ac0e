using System.CommandLine;
using CoIN.Cli.Hosting;

namespace CoIN.Cli.Commands;

/// <summary><c>coin completion</c>: scripts that complete command lines in shells; they ask the hidden <c>coin complete</c>.</summary>
internal static class CompletionCommand
{
    /// <summary>The name by which the scripts ask.</summary>
    public const string Ask = "complete";

    public static Command Build(Host host)
    {
        var shell = new Argument<string>("shell") { Description = "bash, zsh or fish" };
        shell.AcceptOnlyFromAmong("bash", "zsh", "fish");
        var command = new Command("completion", "Print a script that completes command lines in a shell") { shell };
        command.SetAction(parsed =>
        {
            host.Out.Write(Script(parsed.GetValue(shell)!, Program()));
            return ExitCodes.Done;
        });
        return command;
    }

    /// <summary>Words that may stand where the last one of a command line stands, one a line.</summary>
    public static int Complete(Host host, RootCommand root, IReadOnlyList<string> words)
    {
        // The last word is what is being typed; it may be empty.
        var typed = words.Count > 0 ? words[^1] : "";
        foreach (
            var word in root.Parse([.. words.SkipLast(1)])
                .GetCompletions()
                .Concat(root.Parse([.. words]).GetCompletions())
                .Select(item => item.Label)
                .Where(word => word.StartsWith(typed, StringComparison.Ordinal) && !word.StartsWith('/') && word is not ("-h" or "-?"))
                .Distinct()
                .Order(StringComparer.Ordinal)
        )
        {
            host.Out.WriteLine(word);
        }

        return ExitCodes.Done;
    }

    /// <summary>How this program is started anew, without a build.</summary>
    private static string Program()
    {
        var dll = Path.Combine(AppContext.BaseDirectory, "coin.dll");
        return Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet"
            ? $"dotnet exec '{dll}'"
            : $"'{Environment.ProcessPath}'";
    }

    private static string Script(string shell, string program) =>
        shell switch
        {
            "bash" => $$"""
                # Completion of coin and run.sh for bash: source <(coin completion bash)
                _coin() {
                  local IFS=$'\n'
                  COMPREPLY=($({{program}} {{Ask}} -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2> /dev/null))
                }
                complete -o default -F _coin coin run.sh ./run.sh

                """,
            "zsh" => $$"""
                # Completion of coin and run.sh for zsh: source <(coin completion zsh)
                _coin() {
                  local -a found
                  found=("${(@f)$({{program}} {{Ask}} -- "${(@)words[2,$CURRENT]}" 2> /dev/null)}")
                  compadd -- ${found:#}
                  _files
                }
                compdef _coin coin run.sh

                """,
            _ => $$"""
                # Completion of coin and run.sh for fish: coin completion fish | source
                function __coin_complete
                  set -l words (commandline -opc) (commandline -ct)
                  {{program}} {{Ask}} -- $words[2..-1] 2> /dev/null
                end
                complete -c coin -a '(__coin_complete)'
                complete -c run.sh -a '(__coin_complete)'

                """,
        };
}
