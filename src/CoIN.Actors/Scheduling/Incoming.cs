using Akka.Actor;
using CoIN.Actors.Artifacts;
using CoIN.Actors.Protocol;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Runs;
using static CoIN.Actors.Protocol.WorkProtocol;

namespace CoIN.Actors.Scheduling;

/// <summary>
/// Reports that wait until the files that they name are where the supervisor is: no event names a file that is not there. Those of one
/// turn are taken in their order.
/// </summary>
/// <param name="self">The supervisor: is told <see cref="Here"/> in the worker's name.</param>
/// <param name="fetch">Brings files from a node; null where all nodes see one folder.</param>
/// <param name="take">Takes a report whose files are there.</param>
/// <param name="lose">Is told of a report whose files did not come, and why.</param>
internal sealed class Incoming(
    IActorRef self,
    string runFolder,
    Func<IReadOnlyList<Artifact>, string, CancellationToken, Task>? fetch,
    Action<WorkReport, WorkItem, IActorRef> take,
    Action<WorkReport, WorkItem, IActorRef, string> lose
)
{
    private readonly Dictionary<Turn, List<(WorkReport Report, IActorRef Worker)>> queues = [];
    private readonly CancellationTokenSource stop = new();

    /// <summary>A worker reports: it is taken at once, or when its files are there.</summary>
    public void Arrive(WorkReport report, WorkItem item, RunState state, IActorRef worker)
    {
        if (!queues.ContainsKey(report.Turn) && report is not CheckpointLost && !IsFarAway(report, state, worker))
        {
            take(report, item, worker);
        }
        else if (Add(report, worker))
        {
            Begin(report, worker, state);
        }
    }

    /// <summary>The files of a report are there, or will not come.</summary>
    /// <param name="item">Of its turn; null where that is not the worker's any more.</param>
    public void Arrive(Here here, WorkItem? item, RunState state, IActorRef worker)
    {
        Next(here.Report.Turn, state);
        if (item is not null && here.Fault is { } fault)
        {
            lose(here.Report, item, worker, fault);
        }
        else if (item is not null)
        {
            take(here.Report, item, worker);
        }
    }

    /// <summary>The supervisor ends.</summary>
    public void Stop() => stop.Cancel();

    /// <summary>Whether it names files that another host has.</summary>
    private bool IsFarAway(WorkReport report, RunState state, IActorRef worker) =>
        fetch is not null
        && !worker.Path.Address.HasLocalScope
        && RunDecisions.EventOf(report, state) is not null
        && RunArtifacts.Of(report, state).Count > 0;

    /// <summary>Goes on with what waits behind the first report of a turn.</summary>
    private void Next(Turn turn, RunState state)
    {
        var queue = queues[turn];
        queue.RemoveAt(0);
        if (queue.Count == 0)
        {
            queues.Remove(turn);
        }
        else
        {
            Begin(queue[0].Report, queue[0].Worker, state);
        }
    }

    /// <returns>Whether it is the first of its turn.</returns>
    private bool Add(WorkReport report, IActorRef worker)
    {
        if (!queues.TryGetValue(report.Turn, out var queue))
        {
            queues[report.Turn] = [(report, worker)];
            return true;
        }

        if (report is Outcome && queue.Exists(one => one.Report is Outcome))
        {
            // It is said until it is acknowledged.
            return false;
        }

        if (report is CheckpointWritten)
        {
            // Where checkpoints come faster than their files the last one counts, but for losses of held-out samples, all of which the
            // journal is to have.
            var first = queue[0];
            queue.RemoveAll(one => one != first && one.Report is CheckpointWritten { Validation: null });
        }

        queue.Add((report, worker));
        return false;
    }

    private void Begin(WorkReport report, IActorRef worker, RunState state)
    {
        var named = RunArtifacts.Of(report, state);
        var arrival =
            report is CheckpointLost lost ? Task.Run(() => Seen(lost, state))
            : fetch is null || named.Count == 0 || worker.Path.Address.HasLocalScope ? Task.FromResult(report)
            : FetchedAsync(fetch(named, NodeOf(worker), stop.Token), report);
        arrival.PipeTo(self, worker, here => new Here(here, null), fault => new Here(report, fault.GetBaseException().Message));
    }

    private static string NodeOf(IActorRef worker) => FormattableString.Invariant($"{worker.Path.Address.Host}:{worker.Path.Address.Port}");

    private static async Task<WorkReport> FetchedAsync(Task files, WorkReport report)
    {
        await files.ConfigureAwait(false);
        return report;
    }

    /// <summary>A checkpoint that is whole here is not lost: then something is wrong with the worker's host.</summary>
    private WorkReport Seen(CheckpointLost lost, RunState state)
    {
        var folder = Path.Combine(runFolder, lost.Folder);
        var whole =
            state.Checkpoints.GetValueOrDefault(lost.Stage) is { } saved
            && saved.Folder == lost.Folder
            && Directory.Exists(folder)
            && Durable.Sha256OfFolder(folder) == saved.Sha256;
        return !whole
            ? lost
            : new WorkFailed($"{lost.Reason}, while it is whole on {Environment.MachineName}, where the run is driven.")
            {
                Turn = lost.Turn,
            };
    }

    /// <summary>A report can be taken.</summary>
    /// <param name="Fault">Why its files did not come; null where they did.</param>
    internal sealed record Here(WorkReport Report, string? Fault);
}
