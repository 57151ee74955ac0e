using CoIN.Benchmark;
using CoIN.Cli.Hosting;
using CoIN.Configuration;

namespace CoIN.Cli.Commands;

/// <summary>Names that <c>coin.data.prepare</c> may have.</summary>
internal static class Preparations
{
    public const string Mini = "mini";

    /// <summary>Makes the data that a configuration asks to be made, where they are missing.</summary>
    /// <exception cref="CoinException">There is no such preparation.</exception>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public static async Task MakeAsync(Host host, LoadedConfiguration loaded)
    {
        if (loaded.Preparation is not { } maker)
        {
            return;
        }

        CheckName(maker);
        using var signals = host.Signals(host.Error.WriteLine);
        await host.Miniature.PrepareAsync(loaded.Options, host.Out.WriteLine, signals.Stop).ConfigureAwait(false);
        signals.Stop.ThrowIfCancellationRequested();
    }

    /// <summary>
    /// Notes everything that is wrong with an experiment beyond its configuration: preparation, model, judge and, unless they are still
    /// to be made, data.
    /// </summary>
    /// <param name="samples">Whether samples are read too.</param>
    public static void Check(Host host, LoadedConfiguration loaded, Problems problems, bool samples)
    {
        if (loaded.Preparation is { } maker)
        {
            problems.Try(() => CheckName(maker), "coin.data.prepare");
        }

        host.Engine.Check(loaded.Options, loaded.Node, problems, warning => host.Error.WriteLine($"Warning: {warning}"));
        if (samples && (loaded.Preparation is null || Directory.Exists(loaded.Options.Data.Instructions)))
        {
            host.Engine.CheckData(loaded.Options, problems);
        }
    }

    private static void CheckName(string name)
    {
        if (name != Mini)
        {
            throw new CoinException($"coin.data.prepare is {name}; this program can make the data of '{Mini}' only. Leave the key out to use data of your own.");
        }
    }
}
