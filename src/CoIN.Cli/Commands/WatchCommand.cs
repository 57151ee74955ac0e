using System.CommandLine;
using System.Net;
using CoIN.Benchmark;
using CoIN.Benchmark.Runs;
using CoIN.Benchmark.Work;
using CoIN.Cli.Engine;
using CoIN.Cli.Hosting;
using CoIN.Cli.Runs;
using CoIN.Cli.Watching;

namespace CoIN.Cli.Commands;

/// <summary><c>coin watch</c>: serves a page that follows runs, whoever drives them.</summary>
internal static class WatchCommand
{
    private const int UsualPort = 6116;

    public static Command Build(Host host, Option<string?> runs)
    {
        var names = new Argument<string[]>("run")
        {
            CompletionSources = { CommandTree.RunIds(host, runs) },
            Arity = ArgumentArity.ZeroOrMore,
            Description =
                "Runs or experiments, by their ids, the beginnings of them or their folders; by default the latest, and the next one as soon as it begins",
        };
        var port = NumberOption.Whole("--port", "Where to listen; 0 for any port that is free", UsualPort, 0);
        var address = new Option<string?>("--listen")
        {
            HelpName = "ADDRESS",
            Description =
                "An address of this computer that others reach, such as 0.0.0.0; by default nobody else reaches the page. It then asks for a token",
        };
        var command = new Command("watch", "Follow runs in a browser") { names, port, address };
        command.SetAction(
            (parsed, _) =>
                ServeAsync(
                    host,
                    parsed.GetValue(names) ?? [],
                    parsed.GetValue(port),
                    parsed.GetValue(address),
                    RunFolders.Resolve(parsed.GetValue(runs), null, host.Variable, host.Folder)
                )
        );
        return command;
    }

    private static async Task<int> ServeAsync(Host host, string[] names, int port, string? listen, RunFolders folders)
    {
        var address =
            listen is null ? IPAddress.Loopback
            : IPAddress.TryParse(listen, out var parsed) ? parsed
            : throw Usage.Fault($"--listen {listen}: must be an address of this computer, such as 0.0.0.0 for all of them.");
        var watched = new Watched(host, names, folders);
        _ = watched.Runs();
        await using var server = await WatchServer.StartAsync(watched.Runs, address, port).ConfigureAwait(false);
        host.Out.WriteLine($"{server.Address}");
        host.Out.WriteLine(
            IPAddress.IsLoopback(address)
                ? "Only this computer reaches it. Ctrl-C ends the page; runs go on."
                : "Whoever has this address sees the runs; it is not encrypted. Ctrl-C ends the page; runs go on."
        );
        host.Out.Flush();
        using var signals = host.Signals(_ => { });
        await server.FollowAsync(signals.Stop).ConfigureAwait(false);
        return ExitCodes.Stopped;
    }

    /// <summary>The runs that are meant; without names the latest, which may begin while the page is open.</summary>
    private sealed class Watched(Host host, string[] names, RunFolders folders)
    {
        private readonly Dictionary<string, WatchedRun> known = new(StringComparer.Ordinal);

        public IReadOnlyList<WatchedRun> Runs()
        {
            lock (known)
            {
                return
                [
                    .. Found()
                        .Select(run =>
                            known.TryGetValue(run.Folder, out var seen)
                                ? seen
                                : known[run.Folder] = new WatchedRun(
                                    run.Name,
                                    run.Folder,
                                    new BenchmarkWork(paths: OwnPaths.Of(run.Folder))
                                )
                        ),
                ];
            }
        }

        private IEnumerable<FoundRun> Found() =>
            names.Length > 0 ? names.SelectMany(Named).DistinctBy(run => run.Folder)
            : folders.Ids().FirstOrDefault() is not { } latest ? []
            : folders.ExperimentOf(latest) is { } experiment ? OfExperiment(experiment)
            : [folders.Of(latest)];

        private IEnumerable<FoundRun> Named(string name) =>
            folders.FindExperiment(name, host.Folder) is { } experiment ? OfExperiment(experiment) : [folders.Find(name, host.Folder)];

        private static IEnumerable<FoundRun> OfExperiment(ExperimentFolder experiment) =>
            experiment.Runs.Select(run => new FoundRun(run.Id, run.Folder));
    }
}
