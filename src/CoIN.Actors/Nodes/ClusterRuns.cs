using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Sharding;
using CoIN.Actors.Protocol;
using CoIN.Benchmark.Runs;
using static CoIN.Actors.Protocol.RunProtocol;

namespace CoIN.Actors.Nodes;

/// <summary>Where people's commands come in: on every node, for the runs of the whole cluster.</summary>
internal sealed class ClusterRuns : ReceiveActor
{
    /// <summary>Its name below <c>/user</c>.</summary>
    public const string Name = "runs";

    /// <param name="region">Finds a run's actor by the run's id.</param>
    /// <param name="ids">Finds the ids of all runs, the latest first.</param>
    public ClusterRuns(IActorRef region, Func<IReadOnlyList<string>> ids)
    {
        Receive<IOfRun>(message =>
        {
            if (InnerPath.IsRunId(message.RunId))
            {
                region.Forward(message);
            }
            else
            {
                Sender.Tell(
                    new RunRefused(message.RunId, $"'{message.RunId}' is no run's id: those consist of letters, digits, '-', '_' and '.'.")
                );
            }
        });
        Receive<ListRuns>(_ =>
        {
            List<NodeState> nodes =
            [
                .. Cluster
                    .Get(Context.System)
                    .State.Members.OrderBy(member => ClusterWatch.NameOf(member.Address), StringComparer.Ordinal)
                    .Select(StateOf),
            ];
            Task.Run(ids).PipeTo(Sender, Self, found => new Runs(found, nodes));
        });
    }

    /// <summary>Ids of the runs that have a folder among others, the latest first.</summary>
    public static IReadOnlyList<string> In(string folder) =>
        !Directory.Exists(folder)
            ? []
            :
            [
                .. new DirectoryInfo(folder)
                    .EnumerateDirectories()
                    .Where(run => File.Exists(Path.Combine(run.FullName, RunPaths.Settings)))
                    .OrderByDescending(run => File.GetLastWriteTimeUtc(Path.Combine(run.FullName, RunPaths.Settings)))
                    .ThenByDescending(run => run.Name, StringComparer.Ordinal)
                    .Select(run => run.Name),
            ];

    private static NodeState StateOf(Member member) =>
        new(
            ClusterWatch.NameOf(member.Address),
            member.Status.ToString().ToLowerInvariant(),
            !Cluster.Get(Context.System).State.Unreachable.Contains(member),
            [.. ClusterWatch.RolesOf(member)]
        );
}

/// <summary>Which run, and which part of all runs, a message is for.</summary>
internal sealed class RunExtractor() : HashCodeMessageExtractor(Shards)
{
    /// <summary>Never to be changed for a database that is in use.</summary>
    private const int Shards = 50;

    public override string EntityId(object message) => (message as IOfRun)?.RunId!;
}
