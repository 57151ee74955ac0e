using Akka.Persistence;
using CoIN.Benchmark.Runs;

namespace CoIN.Actors.Journal;

/// <summary>The one way by which events get into a run's journal: they are numbered, persisted, and only then applied.</summary>
internal abstract class JournalWriter : ReceivePersistentActor
{
    private readonly string persistenceId;

    // Ahead of the state while events are being written.
    private long lastNumber;

    /// <param name="persistenceId">The run's name in its journal.</param>
    protected JournalWriter(string persistenceId)
    {
        this.persistenceId = persistenceId;
        SnapshotPluginId = "akka.persistence.no-snapshot-store";
        Recover<IRunEvent>(happened =>
        {
            State = State.Apply(happened);
            lastNumber = happened.Number;
        });
    }

    public override string PersistenceId => persistenceId;

    // None are taken; asking for one costs a timeout where a database has just come back.
    public override Recovery Recovery => new(SnapshotSelectionCriteria.None);

    /// <summary>The run by the events that are written.</summary>
    protected RunState State { get; private set; } = RunState.Empty;

    /// <summary>Persists all events or none; each is applied before what follows from it is done.</summary>
    /// <param name="events">Numbers and times are given here.</param>
    protected void Append(IEnumerable<RunEvent> events, Action<RunEvent> then)
    {
        var at = DateTimeOffset.UtcNow;
        PersistAll(events.Select(happened => happened with { Number = ++lastNumber, At = at }).ToList(), persisted =>
        {
            State = State.Apply(persisted);
            then(persisted);
        });
    }

    /// <summary>The journal cannot be read or written: nothing can be done any more.</summary>
    /// <param name="what">What cannot be done with it.</param>
    protected abstract void Broken(string what, Exception cause);

    protected override void OnPersistFailure(Exception cause, object @event, long sequenceNr) => Broken("written", cause);

    protected override void OnPersistRejected(Exception cause, object @event, long sequenceNr)
    {
        // The default would go on with a hole in the journal.
        Broken("written", cause);
        Context.Stop(Self);
    }

    protected override void OnRecoveryFailure(Exception reason, object? message = null) => Broken("read", reason);
}
