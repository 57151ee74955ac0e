using CoIN.Actors.Configuration;
using CoIN.Benchmark;
using CoIN.Cli.Hosting;

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

        Check(maker);
        using var signals = host.Signals(host.Error.WriteLine);
        await host.Miniature.PrepareAsync(loaded.Options, host.Out.WriteLine, signals.Stop).ConfigureAwait(false);
        signals.Stop.ThrowIfCancellationRequested();
    }

    /// <exception cref="CoinException">There is no such preparation.</exception>
    public static void Check(string name)
    {
        if (name != Mini)
        {
            throw new CoinException($"coin.data.prepare is {name}; this program can make the data of '{Mini}' only. Leave the key out to use data of your own.");
        }
    }
}
