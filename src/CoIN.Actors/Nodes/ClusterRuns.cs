using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Sharding;
using CoIN.Benchmark.Runs;
using static CoIN.Actors.Protocol.RunProtocol;

namespace CoIN.Actors.Nodes;

/// <summary>Where people's commands come in: on every node, for the runs of the whole cluster.</summary>
internal sealed class ClusterRuns : ReceiveActor
{
    /// <summary>Its name below <c>/user</c>.</summary>
    public const string Name = "runs";

    /// <param name="region">Finds a run's actor by the run's id.</param>
    /// <param name="folder">The folder that holds one folder per run.</param>
    public ClusterRuns(IActorRef region, string folder)
    {
        Receive<IOfRun>(message =>
        {
            if (RunEntity.IsRunId(message.RunId))
            {
                region.Forward(message);
            }
            else
            {
                Sender.Tell(new RunRefused(message.RunId, $"'{message.RunId}' is no run's id: those consist of letters, digits, '-', '_' and '.'."));
            }
        });
        Receive<ListRuns>(_ => Sender.Tell(new Runs(Ids(folder), [.. Cluster.Get(Context.System).State.Members.OrderBy(member => ClusterWatch.NameOf(member.Address), StringComparer.Ordinal).Select(Line)])));
    }

    private static List<string> Ids(string folder) => !Directory.Exists(folder) ? [] :
    [
        .. new DirectoryInfo(folder).EnumerateDirectories().Where(run => File.Exists(Path.Combine(run.FullName, RunPaths.Settings)))
            .OrderByDescending(run => File.GetLastWriteTimeUtc(Path.Combine(run.FullName, RunPaths.Settings))).ThenByDescending(run => run.Name, StringComparer.Ordinal)
            .Select(run => run.Name),
    ];

    private string Line(Member member) =>
        $"{ClusterWatch.NameOf(member.Address)}  {member.Status.ToString().ToLowerInvariant()}{(IsLost(member) ? ", does not answer" : "")}  {string.Join(", ", ClusterWatch.RolesOf(member))}";

    private static bool IsLost(Member member) => Cluster.Get(Context.System).State.Unreachable.Contains(member);
}

/// <summary>Which run, and which part of all runs, a message is for.</summary>
internal sealed class RunExtractor() : HashCodeMessageExtractor(Shards)
{
    /// <summary>Never to be changed for a database that is in use.</summary>
    private const int Shards = 50;

    public override string EntityId(object message) => (message as IOfRun)?.RunId!;
}
