using CoIN.Benchmark;
using CoIN.Cli.Hosting;
using CoIN.Configuration;
using Newtonsoft.Json;

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
        await host.Miniature.PrepareAsync(loaded.Here, host.Out.WriteLine, signals.Stop).ConfigureAwait(false);
        signals.Stop.ThrowIfCancellationRequested();
    }

    /// <summary>The same for the runs of an experiment: what they have in common is read once, and warned of once.</summary>
    /// <param name="samples">As in <see cref="Check"/>.</param>
    public static Action<LoadedConfiguration, Problems> CheckOf(Host host, bool samples)
    {
        var warned = new HashSet<string>(StringComparer.Ordinal);
        var read = new Dictionary<string, Problems>(StringComparer.Ordinal);
        return (loaded, problems) =>
        {
            Check(host, loaded, problems, warning =>
            {
                if (warned.Add(warning))
                {
                    host.Error.WriteLine($"Warning: {warning}");
                }
            });
            if (!samples || !HasData(loaded))
            {
                return;
            }

            if (problems.Count > 0)
            {
                // What is wrong with the configuration decides what of the data is looked at.
                host.Engine.CheckData(loaded.Here, problems);
                return;
            }

            var options = loaded.Here;
            var key = JsonConvert.SerializeObject(
                new
                {
                    options.Data,
                    options.Tasks,
                    options.Method,
                    options.MethodOptions,
                    options.Seed,
                }
            );
            if (!read.TryGetValue(key, out var found))
            {
                host.Engine.CheckData(options, read[key] = found = new Problems());
            }

            foreach (var text in found.Texts)
            {
                problems.Add(text, "coin.data");
            }
        };
    }

    /// <summary>
    /// The same for runs that a cluster will do: this host need not have devices, models and data. What it has of them is looked at, and
    /// what it has not is told.
    /// </summary>
    public static Action<LoadedConfiguration, Problems> CheckOfOthers(Host host)
    {
        var told = new HashSet<string>(StringComparer.Ordinal);
        return (loaded, problems) =>
        {
            var absent = FileRules.CheckThere(loaded, problems, prepared: false);
            foreach (var (key, path) in absent)
            {
                if (told.Add(key + path))
                {
                    host.Error.WriteLine(
                        $"Not checked: {key}, {path}, is not on this computer. The cluster's nodes look for it where the configuration or their own coin.node.paths say."
                    );
                }
            }

            var seen = loaded with
            {
                Options = absent.Any(named => named.Key == "coin.judge.path") ? loaded.Options with { Judge = null } : loaded.Options,
                Node = loaded.Node with { Devices = [] },
            };
            if (absent.All(named => named.Key is "coin.judge.path" or "coin.data.instructions" or "coin.data.images"))
            {
                Check(host, seen, problems, warning =>
                {
                    if (told.Add(warning))
                    {
                        host.Error.WriteLine($"Warning: {warning}");
                    }
                });
            }
        };
    }

    /// <summary>
    /// Notes everything that is wrong with an experiment beyond its configuration: preparation, model, judge and, unless they are still
    /// to be made, data.
    /// </summary>
    /// <param name="samples">Whether samples are read too.</param>
    public static void Check(Host host, LoadedConfiguration loaded, Problems problems, bool samples)
    {
        Check(host, loaded, problems, warning => host.Error.WriteLine($"Warning: {warning}"));
        if (samples && HasData(loaded))
        {
            host.Engine.CheckData(loaded.Here, problems);
        }
    }

    private static bool HasData(LoadedConfiguration loaded) =>
        loaded.Preparation is null || Directory.Exists(loaded.Here.Data.Instructions);

    private static void Check(Host host, LoadedConfiguration loaded, Problems problems, Action<string> warn)
    {
        if (loaded.Preparation is { } maker)
        {
            problems.Try(() => CheckName(maker), "coin.data.prepare");
        }

        host.Engine.Check(loaded.Here, loaded.Node, problems, warn);
    }

    private static void CheckName(string name)
    {
        if (name != Mini)
        {
            throw new CoinException(
                $"coin.data.prepare is {name}; this program can make the data of '{Mini}' only. Leave the key out to use data of your own."
            );
        }
    }
}
