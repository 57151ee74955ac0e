using CoIN.Actors.Hosting;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Runs;
using Microsoft.Extensions.Logging;

namespace CoIN.Cli.Engine;

/// <summary>What the engine is given to drive an experiment of several runs.</summary>
/// <param name="Folder">Absolute path of the experiment's own folder.</param>
/// <param name="Runs">Id, folder and options of each; no options for a run that has begun.</param>
/// <param name="Node">As in <see cref="RunTicket"/>.</param>
/// <param name="Reuse">Whether what runs have in common is computed once.</param>
/// <param name="Redo">Whether what was lost of runs is done again.</param>
/// <param name="Observer">Sees the snapshots of all runs; does not block.</param>
/// <param name="LoggerFactory">As in <see cref="RunTicket"/>.</param>
internal sealed record ExperimentTicket(
    string Folder,
    IReadOnlyList<(string RunId, string RunFolder, ExperimentOptions? Options)> Runs,
    NodeSettings Node,
    bool Reuse,
    bool Redo,
    IRunObserver Observer,
    ILoggerFactory LoggerFactory
);
