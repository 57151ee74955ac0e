using System.CommandLine;
using CoIN.Cli.Engine;
using CoIN.Cli.Hosting;

namespace CoIN.Cli.Commands;

/// <summary><c>coin mini</c>: makes what the miniature experiment consists of.</summary>
internal static class MiniCommands
{
    public static Command Build(Host host) => new("mini", "Make the miniature experiment's data or base model") { Generate(host), Pretrain(host) };

    private static Command Generate(Host host)
    {
        var folder = new Option<string>("--out") { HelpName = "DIR", Description = "Where the data go", DefaultValueFactory = _ => "data/mini" };
        var seed = Seed();
        var train = new Option<int?>("--train-samples") { HelpName = "N", Description = "Training samples per task" };
        var test = new Option<int?>("--test-samples") { HelpName = "N", Description = "Test samples per task" };
        Positive(train);
        Positive(test);
        var command = new Command("generate", "Draw the eight miniature tasks") { folder, seed, train, test };
        command.SetAction((parsed, _) =>
        {
            var options = new MiniGeneration(FullPath(host, parsed.GetValue(folder)), parsed.GetValue(seed), parsed.GetValue(train), parsed.GetValue(test));
            return GuardedAsync(host, stop => host.Miniature.GenerateAsync(options, host.Out.WriteLine, stop));
        });
        return command;
    }

    private static Command Pretrain(Host host)
    {
        var folder = new Option<string>("--out") { HelpName = "DIR", Description = "Where the model folder goes", DefaultValueFactory = _ => "data/mini-model" };
        var seed = Seed();
        var steps = new Option<int?>("--steps") { HelpName = "N", Description = "Optimizer steps" };
        var threads = new Option<int>("--threads") { HelpName = "N", Description = "Compute threads; 0 for all cores" };
        var from = new Option<string?>("--from") { HelpName = "DIR", Description = "A miniature model to go on from, instead of random weights" };
        Positive(steps);
        var command = new Command("pretrain", "Train the miniature base model (about an hour)") { folder, seed, steps, threads, from };
        command.SetAction((parsed, _) =>
        {
            var options = new MiniPretraining(FullPath(host, parsed.GetValue(folder)), parsed.GetValue(seed), parsed.GetValue(steps), parsed.GetValue(threads),
                parsed.GetValue(from) is { } start ? FullPath(host, start) : null);
            return GuardedAsync(host, stop => host.Miniature.PretrainAsync(options, host.Out.WriteLine, stop));
        });
        return command;
    }

    private static Option<int> Seed() => new("--seed") { HelpName = "N", Description = "Seed", DefaultValueFactory = _ => 42 };

    private static void Positive(Option<int?> option) => option.Validators.Add(result =>
    {
        if (result.Tokens is [{ Value: var text }] && int.TryParse(text, out var value) && value < 1)
        {
            result.AddError($"{option.Name} {text}: must be 1 or more.");
        }
    });

    private static string FullPath(Host host, string? path) => Path.GetFullPath(Path.Combine(host.Folder, path ?? ""));

    private static async Task<int> GuardedAsync(Host host, Func<CancellationToken, Task> work)
    {
        using var signals = host.Signals(host.Error.WriteLine);
        await work(signals.Stop).ConfigureAwait(false);
        return signals.Stop.IsCancellationRequested ? ExitCodes.Stopped : ExitCodes.Done;
    }
}
