using Akka.Actor;
using Akka.Cluster.Tools.Client;
using Akka.Cluster.Tools.PublishSubscribe;
using Akka.Configuration;
using Akka.Hosting;
using CoIN.Actors.Hosting;
using CoIN.Actors.Journal;
using CoIN.Actors.Protocol;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Runs;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using static CoIN.Actors.Protocol.RunProtocol;
using static CoIN.Actors.Protocol.WorkProtocol;

namespace CoIN.Actors.Nodes;

/// <summary>A run in a cluster.</summary>
/// <param name="Snapshot">Null where nothing of it has begun.</param>
/// <param name="RunFolder">On the node that answered.</param>
/// <param name="Node">That node.</param>
public sealed record ClusterRun(string RunId, RunSnapshot? Snapshot, string RunFolder, string Node)
{
    /// <summary>The experiment that it is a run of; null for a run by itself, and where somebody looked briefly.</summary>
    public ExperimentRecord? Experiment { get; init; }

    /// <summary>
    /// Absolute path, on that node, of the folder with the comparison of the experiment's runs; null where it is not there.
    /// </summary>
    public string? Comparison { get; init; }
}

/// <summary>What a cluster has.</summary>
/// <param name="RunIds">The latest first.</param>
/// <param name="Nodes">By their names.</param>
public sealed record ClusterContents(IReadOnlyList<string> RunIds, IReadOnlyList<NodeState> Nodes);

/// <summary>
/// A command's way to the runs of a cluster, of which it is no part: it may come and go, and speaks with whichever node answers. Everything
/// may be asked again.
/// </summary>
public sealed class ClusterConnection : IAsyncDisposable
{
    private const int LooksAgain = 8;

    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(5);

    private readonly IHost host;
    private readonly IActorRef client;
    private readonly string contacts;

    private ClusterConnection(IHost host, IActorRef client, string contacts) =>
        (this.host, this.client, this.contacts) = (host, client, contacts);

    /// <param name="placement">How this process may be reached, and its certificate.</param>
    /// <param name="contacts">Nodes <c>host:port</c>; one that answers is enough.</param>
    /// <exception cref="CoinException">The certificate is not valid.</exception>
    public static async Task<ClusterConnection> OpenAsync(
        NodePlacement.Cluster placement,
        IReadOnlyList<string> contacts,
        ILoggerFactory logs
    )
    {
        var builder = RunHost.Builder(logs, TimeSpan.FromSeconds(5));
        var protocol = "";
        builder.Services.AddAkka("coin", akka =>
        {
            akka.AddHocon(JournalConfig.For("none"), HoconAddMode.Prepend)
                .AddHocon(RunHost.NodeConfig, HoconAddMode.Prepend)
                .ConfigureLoggers(RunHost.ToFactory);
            protocol = ClusterNode.Transport(akka, placement with { Port = 0 });

            // After the others: they say that it is alone.
            akka.AddHocon(Config, HoconAddMode.Prepend)
                .AddHocon(ClusterClientReceptionist.DefaultConfig(), HoconAddMode.Append)
                .AddHocon(DistributedPubSub.DefaultConfig(), HoconAddMode.Append);
        });
        var host = builder.Build();
        await host.StartAsync(CancellationToken.None).ConfigureAwait(false);
        var system = host.Services.GetRequiredService<ActorSystem>();
        var settings = ClusterClientSettings
            .Create(system)
            .WithInitialContacts([.. contacts.Select(contact => ActorPath.Parse($"{protocol}://coin@{contact}/system/receptionist"))]);
        return new ClusterConnection(host, system.ActorOf(ClusterClient.Props(settings), "client"), string.Join(", ", contacts));
    }

    /// <summary>Has a run begun; returns when its beginning is in the journal.</summary>
    /// <param name="settings">Its whole configuration, to be kept in its folder.</param>
    /// <param name="experiment">The experiment that it is a run of; null for a run by itself.</param>
    /// <exception cref="CoinException">It cannot begin, or no node answers.</exception>
    public Task<ClusterRun> SubmitAsync(
        string runId,
        ExperimentOptions options,
        string settings,
        ExperimentRecord? experiment,
        Action<string> tell,
        CancellationToken stop
    ) => AcceptedAsync(new Submit(runId, options, settings) { Experiment = experiment }, tell, stop);

    /// <summary>Has a run that ended go on.</summary>
    /// <exception cref="CoinException">It cannot, or no node answers.</exception>
    public Task<ClusterRun> ResumeAsync(string runId, bool redo, Action<string> tell, CancellationToken stop) =>
        AcceptedAsync(new Resume(runId, redo), tell, stop);

    /// <summary>Asks a run to stop at its next resumable point.</summary>
    /// <exception cref="CoinException">No node answers.</exception>
    public async Task<ClusterRun> StopAsync(string runId, CancellationToken stop) =>
        Seen(await OneAsync(new StopRun(runId), stop).ConfigureAwait(false));

    /// <summary>How a run stands; while it is being taken up, the question is put again for a while.</summary>
    /// <exception cref="CoinException">No node answers.</exception>
    public async Task<ClusterRun> LookAsync(string runId, CancellationToken stop)
    {
        for (var asked = 1; ; asked++)
        {
            try
            {
                return await LookAsync(new Look(runId), stop).ConfigureAwait(false);
            }
            catch (CoinException silent) when (silent is { IsFinal: false } && !stop.IsCancellationRequested && asked < LooksAgain)
            {
                // Who answers for the run is being found out after a node was lost, or the first has come.
            }
        }
    }

    /// <summary>How a run stands, without its experiment: for who looks again and again.</summary>
    /// <exception cref="CoinException">No node answers.</exception>
    public Task<ClusterRun> LookBrieflyAsync(string runId, CancellationToken stop) => LookAsync(new Look(runId) { Briefly = true }, stop);

    private async Task<ClusterRun> LookAsync(Look look, CancellationToken stop) => Seen(await OneAsync(look, stop).ConfigureAwait(false));

    /// <summary>The runs and nodes that there are.</summary>
    /// <exception cref="CoinException">No node answers.</exception>
    public async Task<ClusterContents> ListAsync(CancellationToken stop) =>
        await OneAsync(new ListRuns(), stop).ConfigureAwait(false) is Runs runs
            ? new ClusterContents(runs.RunIds, runs.Nodes)
            : throw Strange();

    /// <summary>Shows a run's snapshots until it has ended; a node that is lost meanwhile is no harm.</summary>
    /// <param name="lost">Is told when no node answers, and when one does again.</param>
    /// <returns>The last one.</returns>
    /// <exception cref="OperationCanceledException">Whoever looks has seen enough; the run goes on.</exception>
    public async Task<ClusterRun> FollowAsync(string runId, IRunObserver observer, Action<string> lost, CancellationToken stop)
    {
        var silent = false;
        while (true)
        {
            try
            {
                var run = await LookBrieflyAsync(runId, stop).ConfigureAwait(false);
                if (silent)
                {
                    silent = false;
                    lost("the cluster answers again");
                }

                if (run.Snapshot is { } snapshot)
                {
                    observer.Observe(snapshot);
                    if (snapshot.Status is RunStatus.Completed or RunStatus.Failed or RunStatus.Stopped or RunStatus.Interrupted)
                    {
                        return run;
                    }
                }
            }
            catch (CoinException fault) when (!stop.IsCancellationRequested)
            {
                if (!silent)
                {
                    silent = true;
                    lost($"{fault.Message.TrimEnd('.')}; it is asked again");
                }
            }

            await Task.Delay(500, stop).ConfigureAwait(false);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await host.StopAsync(CancellationToken.None).ConfigureAwait(false);
        host.Dispose();
    }

    /// <summary>
    /// A new run's data are looked at before it is accepted, which takes long where there are many: the question is put again until then.
    /// </summary>
    private async Task<ClusterRun> AcceptedAsync(IMessage command, Action<string> tell, CancellationToken stop)
    {
        for (var asked = 1; ; asked++)
        {
            try
            {
                return await OneAsync(command, stop).ConfigureAwait(false) is Accepted accepted
                    ? new ClusterRun(accepted.RunId, null, accepted.RunFolder, accepted.Node)
                    : throw Strange();
            }
            catch (CoinException silent) when (silent is { IsFinal: false } && !stop.IsCancellationRequested && asked < 60)
            {
                tell($"{silent.Message} It is asked again.");
            }
        }
    }

    private async Task<object> OneAsync(object message, CancellationToken stop)
    {
        object answer;
        try
        {
            answer = await client
                .Ask<object>(new ClusterClient.Send($"/user/{ClusterRuns.Name}", message, localAffinity: true), AnswerWithin, stop)
                .ConfigureAwait(false);
        }
        catch (AskTimeoutException e)
        {
            throw new CoinException(
                $"No node of the cluster at {contacts} has answered for {AnswerWithin.TotalSeconds:F0} s. Is one up there, on that port, and is this command's certificate of its authority?",
                e
            );
        }

        return answer switch
        {
            RunRefused refused => throw new CoinException(refused.Message) { IsFinal = true },
            Status.Failure failure => throw new CoinException(
                $"A node of the cluster at {contacts} could not answer: {failure.Cause?.Message}",
                failure.Cause!
            ),
            _ => answer,
        };
    }

    private static ClusterRun Seen(object answer) =>
        answer is Looked looked
            ? new ClusterRun(looked.RunId, looked.Snapshot, looked.RunFolder, looked.Node)
            {
                Experiment = looked.Experiment,
                Comparison = looked.Comparison,
            }
            : throw Strange();

    private static CoinException Strange() => new("The cluster gave an answer that this program does not know: it runs another version.");

    private static readonly Config Config = ConfigurationFactory.ParseString(
        """
        akka {
          actor.provider = remote
          cluster.client {
            establishing-get-contacts-interval = 1s
            heartbeat-interval = 1s
            acceptable-heartbeat-pause = 8s
          }
        }
        """
    );
}
