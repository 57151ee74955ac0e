using CoIN.Actors.Hosting;
using CoIN.Actors.Nodes;
using CoIN.Benchmark;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Runs;
using CoIN.Benchmark.Work;
using CoIN.Models.Families.Qwen2;
using CoIN.Models.Imaging;
using CoIN.Models.Inspection;
using CoIN.Models.Learning;
using Microsoft.Extensions.Logging;

namespace CoIN.Cli.Engine;

/// <summary>What drives nodes of a cluster and speaks with their runs, as the commands see it.</summary>
internal interface IClusterEngine
{
    /// <summary>Drives a node until it is told to stop.</summary>
    /// <param name="up">Called once it is in its cluster.</param>
    /// <exception cref="CoinException">Something the user can mend, or the cluster has given the node up.</exception>
    Task RunNodeAsync(NodeRequest request, ILoggerFactory logs, Action up, CancellationToken stop);

    /// <summary>Opens a command's way to a cluster.</summary>
    /// <param name="contacts">Nodes <c>host:port</c>.</param>
    /// <exception cref="CoinException">The certificate is not valid.</exception>
    Task<ClusterConnection> OpenAsync(NodePlacement.Cluster placement, IReadOnlyList<string> contacts, ILoggerFactory logs);
}

/// <summary>The actors with models and CoIN's data.</summary>
internal sealed class ClusterEngine : IClusterEngine
{
    public async Task RunNodeAsync(NodeRequest request, ILoggerFactory logs, Action up, CancellationToken stop)
    {
        var log = logs.CreateLogger("CoIN.Models");
        void Warn(string warning) => log.LogWarning("{Warning}", warning);
        var paths = request.Node.Local;
        using var learners = RunEngine.Learners(request.Node, log);
        var judges = RunEngine.Judges(Warn, paths);
        await NodeHost.RunAsync(request, learners, judges, RunEngine.Work(paths), logs, up, stop).ConfigureAwait(false);
    }

    public Task<ClusterConnection> OpenAsync(NodePlacement.Cluster placement, IReadOnlyList<string> contacts, ILoggerFactory logs) =>
        ClusterConnection.OpenAsync(placement, contacts, logs);
}
