using Akka.Actor;
using CoIN.Actors.Artifacts;
using CoIN.Actors.Journal;
using CoIN.Actors.Protocol;
using CoIN.Benchmark;
using CoIN.Benchmark.Runs;

namespace CoIN.Actors.Scheduling;

/// <summary>What a supervisor is made with.</summary>
/// <param name="Start">The first event of the run, for the case that its journal is empty.</param>
/// <param name="Ended">Completed with the last snapshot, or with the fault that ended the supervisor.</param>
internal sealed record SupervisorSettings(
    string RunId,
    string RunFolder,
    RunStarted Start,
    IActorRef Scheduler,
    IBenchmarkWork Work,
    IRunObserver Observer,
    int Evaluators,
    TaskCompletionSource<RunSnapshot> Ended
)
{
    /// <summary>Akka's name of the journal that is this run's; empty where the process has one only.</summary>
    public string Journal { get; init; } = "";

    /// <summary>The run's name in its journal; that of a journal in its folder by default.</summary>
    public string PersistenceId { get; init; } = RunJournal.PersistenceIdOf(RunId);

    /// <summary>
    /// Whether the journal may be away for a while and come back, as a database may: the supervisor then ends with a word in the log, and
    /// whoever made it makes it anew.
    /// </summary>
    public bool Comes { get; init; }

    /// <summary>What the runs of an experiment have in common: <see cref="SharedResults"/>; null for a run by itself.</summary>
    public IActorRef? Shared { get; init; }

    /// <summary>
    /// Brings what another run has computed here: as that run's journal has it, and with the folder in which its files lie on this node;
    /// null where the runs are of one process.
    /// </summary>
    public Func<SharingProtocol.Made, CancellationToken, Task<SharingProtocol.Made>>? Bring { get; init; }

    /// <summary>Whether workers of several hosts write for the run, each under the names of its assignments.</summary>
    public bool IsShared { get; init; }

    /// <summary>The trainers that there are, where that is known and does not change; null in a cluster, where they come and go.</summary>
    public int? Trainers { get; init; }

    /// <summary>Brings files of the run from a node; null where workers write into the run's folder.</summary>
    public Func<IReadOnlyList<Artifact>, string, CancellationToken, Task>? Fetch { get; init; }

    /// <summary>The program's version, by which results of another one are not taken over.</summary>
    public string Program { get; init; } = "";

    /// <summary>The run cannot go on for want of its journal.</summary>
    /// <param name="what">What cannot be done with it.</param>
    public CoinException JournalFault(string what, Exception cause) =>
        new(
            $"The journal {Path.Combine(RunFolder, RunPaths.Journal)} cannot be {what}: {cause.GetBaseException().Message} "
                + "Free space on the disk or mend its permissions, then resume the run.",
            cause
        );
}
