using System.CommandLine;
using CoIN.Cli.Commands;
using CoIN.Cli.Hosting;
using CoIN.Cli.Tests.Support;

namespace CoIN.Cli.Tests.Commands;

/// <summary>Command lines that are wrong as such: told, with what would be right, and nothing is done.</summary>
public sealed class UsageTests : IDisposable
{
    private readonly CommandLine coin = new();

    public void Dispose() => coin.Dispose();

    [Theory]
    [InlineData("There is no command 'rnu'; did you mean 'run'?", "rnu")]
    [InlineData("did you mean 'validate'?", "valdate", "a.hocon")]
    [InlineData("There is no command 'data chek'; did you mean 'data check'?", "data", "chek", "a.hocon")]
    [InlineData("did you mean 'mini generate'?", "genrate")]
    [InlineData("There are run, resume,", "something-else-altogether")]
    [InlineData("./run.sh run a.hocon", "a.hocon")]
    [InlineData("'data' needs one of its commands: check, preview, build.", "data")]
    [InlineData("There is no option --sett; the nearest one of 'run' is --set.", "run", "a.hocon", "--sett", "x=1")]
    [InlineData("There is no option --sett; the nearest one of 'run' is --set.", "run", "a.hocon", "--sett=x=1")]
    [InlineData("There is no option -set; the nearest one of 'run' is --set.", "run", "a.hocon", "-set", "x=1")]
    [InlineData("the nearest one of 'status' is --runs", "status", "--run", "x")]
    [InlineData("--set stands before its command. Write: ./run.sh run", "--set", "lora.rank=1", "run", "a.hocon")]
    [InlineData("--set needs a value: --set key=value", "run", "a.hocon", "--set")]
    [InlineData("--set a.hocon: write --set key=value", "run", "--set", "a.hocon")]
    [InlineData("--set lora: write --set key=value", "validate", "a.hocon", "--set", "lora")]
    [InlineData("'status' does not take b too", "status", "a", "b")]
    [InlineData("'model info' needs <path>", "model", "info")]
    [InlineData("--raw DIR is needed", "data", "build", "--task", "GQA", "--out", "x")]
    [InlineData("--seed x: must be a whole number", "mini", "generate", "--seed", "x")]
    [InlineData("--train-samples 0: must be a whole number, 1 or more", "mini", "generate", "--train-samples", "0")]
    [InlineData("--tokens-per-second 1,5: must be", "plan", "a.hocon", "--tokens-per-second", "1,5")]
    [InlineData("--tokens-per-second NaN: must be", "plan", "a.hocon", "--tokens-per-second", "NaN")]
    [InlineData("--volume 0,5: must be", "data", "build", "--task", "GQA", "--raw", "x", "--out", "y", "--volume", "0,5")]
    [InlineData("compare needs two runs or more and was given one, r1.", "compare", "r1")]
    [InlineData("compare needs two runs or more;", "compare")]
    [InlineData("Name a configuration file", "run")]
    public async Task A_wrong_line_is_a_usage_error_with_a_remedy(string expected, params string[] line)
    {
        coin.WriteConfiguration();

        Assert.Equal(2, await coin.InvokeAsync(line));
        Assert.Contains(expected, coin.Error);
        Assert.Empty(coin.Engine.Asked);
        Assert.Null(coin.Engine.Generation);
        Assert.Equal("", coin.Out);
    }

    [Fact]
    public async Task What_follows_two_dashes_is_no_option_and_neither_are_values_that_look_like_one()
    {
        coin.Folder.Write("--odd.hocon", "coin.name = odd");

        Assert.Equal(1, await coin.InvokeAsync("validate", "--", "--odd.hocon"));
        Assert.DoesNotContain("no option", coin.Error);
        Assert.Equal(0, await coin.InvokeAsync("mini", "generate", "--seed", "-3", "--out=-folder"));
        Assert.Equal(-3, coin.Engine.Generation!.Seed);
    }

    [Fact]
    public async Task No_option_of_any_command_may_lack_its_value()
    {
        var commands = Commands(CommandTree.Build(coin.Host()), "").ToList();
        var options = commands
            .SelectMany(command =>
                command
                    .Command.Options.Where(option => option.Arity.MinimumNumberOfValues > 0)
                    .Select(option => (command.Path, option.Name))
            )
            .ToList();
        Assert.True(options.Count > 40);
        foreach (var (path, option) in options)
        {
            Assert.Equal(
                (path, option, 2),
                (path, option, await coin.InvokeAsync([.. path.Split(' ', StringSplitOptions.RemoveEmptyEntries), option]))
            );
            Assert.Contains($"{option} needs a value", coin.Error);
        }
    }

    [Fact]
    public async Task Every_command_shows_examples_that_it_understands()
    {
        foreach (var (path, _) in Commands(CommandTree.Build(coin.Host()), "").Where(command => command.Command.Subcommands.Count == 0))
        {
            var lines = Examples.Of(path).Skip(1).Select(line => line.Trim()["./run.sh ".Length..]).ToList();
            Assert.NotEmpty(lines);
            foreach (var line in lines.Select(line => line.Split(' ')))
            {
                Assert.StartsWith(path, string.Join(' ', line));
                Assert.Empty(Usage.Faults(CommandTree.Build(coin.Host()).Parse(line), line));
            }

            Assert.Equal(0, await coin.InvokeAsync([.. path.Split(' '), "--help"]));
            Assert.Contains(lines[0], coin.Out);
        }
    }

    [Fact]
    public void Faults_of_the_world_are_told_without_a_stack_trace() =>
        Assert.All<Exception>(
            [new IOException(NoSpace), new AggregateException(new IOException(NoSpace), new IOException("another"))],
            Tell
        );

    private const string NoSpace = "No space left on device : '/x/y'";

    private void Tell(Exception fault)
    {
        using var coin = new CommandLine();
        Assert.Equal(ExitCodes.Fault, Faults.Tell(coin.Host(), fault, log: null));
        Assert.Equal(NoSpace, coin.Error.Trim());
    }

    private static IEnumerable<(string Path, Command Command)> Commands(Command command, string path) =>
        command
            .Subcommands.SelectMany(inner => Commands(inner, $"{path} {inner.Name}".Trim()))
            .Prepend((path, command))
            .Where(one => one.Item1.Length > 0);
}
