using System.CommandLine;
using CoIN.Cli.Engine;
using CoIN.Cli.Hosting;

namespace CoIN.Cli.Commands;

/// <summary><c>coin mini</c>: makes what the miniature experiment consists of.</summary>
internal static class MiniCommands
{
    public static Command Build(Host host) =>
        new("mini", "Make the miniature experiment's data or base model") { Generate(host), Pretrain(host) };

    private static Command Generate(Host host)
    {
        var folder = new Option<string>("--out")
        {
            HelpName = "DIR",
            Description = "Where the data go",
            DefaultValueFactory = _ => "data/mini",
        };
        var seed = Seed();
        var train = NumberOption.Optional("--train-samples", "Training samples per task; by default those of the miniature", least: 1);
        var test = NumberOption.Optional("--test-samples", "Test samples per task; by default those of the miniature", least: 1);
        var force = Force("data");
        var command = new Command("generate", "Draw the eight miniature tasks") { folder, seed, train, test, force };
        command.SetAction(
            (parsed, _) =>
            {
                var options = new MiniGeneration(
                    FullPath(host, parsed.GetValue(folder)),
                    parsed.GetValue(seed),
                    parsed.GetValue(train),
                    parsed.GetValue(test),
                    parsed.GetValue(force)
                );
                return GuardedAsync(host, stop => host.Miniature.GenerateAsync(options, host.Out.WriteLine, stop));
            }
        );
        return command;
    }

    private static Command Pretrain(Host host)
    {
        var folder = new Option<string>("--out")
        {
            HelpName = "DIR",
            Description = "Where the model folder goes",
            DefaultValueFactory = _ => "data/mini-model",
        };
        var seed = Seed();
        var steps = NumberOption.Optional(
            "--steps",
            "Optimizer steps; by default those of the model that is kept with the program",
            least: 1
        );
        var threads = NumberOption.Whole("--threads", "Compute threads; 0 for all cores", usual: 0, least: 0);
        var from = new Option<string?>("--from")
        {
            HelpName = "DIR",
            Description = "A miniature model to go on from, instead of random weights",
        };
        var family = new Option<string>("--family")
        {
            HelpName = "NAME",
            Description = $"The model's family: {string.Join(", ", Miniature.Families)}",
            DefaultValueFactory = _ => Miniature.Families[0],
        };
        family.AcceptOnlyFromAmong([.. Miniature.Families]);
        var force = Force("a model");
        var command = new Command("pretrain", "Train the miniature base model (about an hour)")
        {
            folder,
            seed,
            steps,
            threads,
            from,
            family,
            force,
        };
        command.SetAction(
            (parsed, _) =>
            {
                var options = new MiniPretraining(
                    FullPath(host, parsed.GetValue(folder)),
                    parsed.GetValue(seed),
                    parsed.GetValue(steps),
                    parsed.GetValue(threads),
                    parsed.GetValue(from) is { } start ? FullPath(host, start) : null,
                    parsed.GetValue(force),
                    parsed.GetValue(family)
                );
                return GuardedAsync(host, stop => host.Miniature.PretrainAsync(options, host.Out.WriteLine, stop));
            }
        );
        return command;
    }

    private static Option<bool> Force(string what) => new("--force") { Description = $"Replace {what} that the folder holds" };

    private static Option<int> Seed() => NumberOption.Whole("--seed", "Decides every draw", usual: 42);

    private static string FullPath(Host host, string? path) => Path.GetFullPath(Path.Combine(host.Folder, path ?? ""));

    private static async Task<int> GuardedAsync(Host host, Func<CancellationToken, Task> work)
    {
        using var signals = host.Signals(host.Error.WriteLine);
        await work(signals.Stop).ConfigureAwait(false);
        return signals.Stop.IsCancellationRequested ? ExitCodes.Stopped : ExitCodes.Done;
    }
}
