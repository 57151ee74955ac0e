using Akka.Actor;
using Akka.Event;
using CoIN.Actors.Protocol;
using static CoIN.Actors.Protocol.SharingProtocol;

namespace CoIN.Actors.Scheduling;

/// <summary>
/// What runs have in common: a result that several of them need is computed by one, and the others take it over. Supervisors ask before
/// they offer work; the first to ask gets it, the others wait until it is there, or until that one is gone and the next in line gets it.
/// Who may compute something waits for nothing any more, so no two runs wait for each other.
/// <para>
/// In a cluster there is one for all its runs, which remembers nothing beyond its life: what runs have is in their journals, and what they
/// compute they say again and again. It decides nothing for good: should two runs compute the same, both have the same.
/// </para>
/// </summary>
internal sealed class SharedResults : ReceiveActor, IWithTimers
{
    /// <summary>How long one that takes the place of a lost one listens to what runs compute before it gives that to others.</summary>
    public static readonly TimeSpan Listening = WorkProtocol.RepeatEvery * 2;

    /// <summary>
    /// How long a run whose supervisor is lost may take to be taken up elsewhere before what it computed is given to others.
    /// </summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Dictionary<string, Entry> entries = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Run> runs = new(StringComparer.Ordinal);

    // Claims that wait until the journals of an experiment have been looked at; null when they have.
    private readonly Dictionary<string, List<(Claim Claim, IActorRef Supervisor)>?> looked = new(StringComparer.Ordinal);
    private readonly ILoggingAdapter log = Context.GetLogger().WithContext("Part", "shared results");
    private readonly Func<string, IReadOnlyList<Made>>? find;
    private bool listening;

    /// <summary>For runs of one process, which do not move.</summary>
    /// <param name="made">What the runs have already.</param>
    /// <param name="begun">Keys of what a run has begun, with its id: it goes on with that itself.</param>
    public SharedResults(IEnumerable<Made> made, IEnumerable<(string Key, string RunId)> begun)
        : this(null)
    {
        Add(made, null);
        foreach (var (key, runId) in begun)
        {
            Of(key, null).Owner ??= runId;
        }
    }

    /// <summary>For the runs of a cluster.</summary>
    /// <param name="find">What the runs of an experiment have by their journals, by the id of one of them.</param>
    /// <param name="listen">As <see cref="Listening"/>.</param>
    public SharedResults(Func<string, IReadOnlyList<Made>> find, TimeSpan listen)
        : this(find)
    {
        listening = true;
        Timers.StartSingleTimer("listened", Listened.Instance, listen);
    }

    private SharedResults(Func<string, IReadOnlyList<Made>>? find)
    {
        this.find = find;
        Receive<Claim>(Claimed);
        Receive<Holds>(Held);
        Receive<Made>(Finished);
        Receive<Gone>(gone => Left(gone.RunId));
        Receive<Found>(Sought);
        Receive<Terminated>(gone => Lost(gone.ActorRef));
        Receive<GivenUp>(
            given => runs.TryGetValue(given.RunId, out var run) && run.IsLost && run.Supervisor.Equals(given.Supervisor),
            given => Left(given.RunId)
        );
        Receive<GivenUp>(_ => { });
        Receive<Listened>(_ =>
        {
            listening = false;
            entries.Where(one => one.Value is { Made: null, Owner: null }).ToList().ForEach(one => GiveNext(one.Key, one.Value));
        });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private DateTimeOffset Now => Context.System.Scheduler.Now;

    private Entry Of(string key, string? experiment) =>
        entries.TryGetValue(key, out var entry) ? entry : entries[key] = new Entry(experiment);

    private void Claimed(Claim claim)
    {
        Know(claim.RunId, claim.Experiment, Sender);
        if (claim.Experiment is { } experiment && find is not null && !IsLookedAt(experiment, claim.RunId, out var waiting))
        {
            waiting.Add((claim, Sender));
            return;
        }

        Answer(claim, Sender);
    }

    private void Answer(Claim claim, IActorRef supervisor)
    {
        var entry = Of(claim.Key, claim.Experiment);
        if (entry.Made is { } former && (former.RunId == claim.RunId || former.RunId == claim.Not))
        {
            // Who claims what he has, has lost it; and what one could not have of another, others will not have either.
            entry.Made = null;
        }

        if (entry.Made is { } made)
        {
            supervisor.Tell(made);
        }
        else if (entry.Owner == claim.RunId || (entry.Owner is null && (!listening || claim.Begun)))
        {
            Give(claim.Key, entry, claim.RunId);
        }
        else if (!entry.Waiting.Contains(claim.RunId))
        {
            entry.Waiting.Add(claim.RunId);
        }
    }

    /// <summary>Whether it is known what the runs of an experiment have; else that is found out.</summary>
    /// <param name="waiting">Claims to be answered then.</param>
    private bool IsLookedAt(string experiment, string runId, out List<(Claim Claim, IActorRef Supervisor)> waiting)
    {
        if (looked.TryGetValue(experiment, out var known))
        {
            waiting = known ?? [];
            return known is null;
        }

        looked[experiment] = waiting = [];
        Task.Run(() => find!(runId))
            .PipeTo(
                Self,
                Self,
                made => new Found(experiment, made, null),
                fault => new Found(experiment, [], fault.GetBaseException().Message)
            );
        return false;
    }

    private void Sought(Found found)
    {
        var waiting = looked.GetValueOrDefault(found.Experiment) ?? [];
        looked[found.Experiment] = null;
        Add(found.Made, found.Experiment);
        foreach (var (claim, supervisor) in waiting.Where(one => IsCurrent(one.Claim.RunId, one.Supervisor)))
        {
            Answer(claim, supervisor);
        }

        if (found.Fault is { } fault)
        {
            // They are looked at again when somebody asks.
            log.Warning(
                "What the runs of {Experiment} have cannot be found out and may be computed again: {Reason}",
                found.Experiment,
                fault
            );
            looked.Remove(found.Experiment);
        }
    }

    private void Add(IEnumerable<Made> made, string? experiment)
    {
        foreach (var one in made)
        {
            Of(one.Key, experiment).Made ??= one;
        }
    }

    private void Held(Holds holds)
    {
        var run = Know(holds.RunId, null, Sender);
        foreach (var key in holds.Keys)
        {
            var entry = Of(key, run.Experiment);
            if (entry is { Made: null, Owner: null })
            {
                Own(key, entry, holds.RunId);
            }
        }

        // It does not compute any more what it was given, and has not said that it is there.
        foreach (var key in run.Owned.Except(holds.Keys).Where(key => Now - entries[key].Since > Listening).ToList())
        {
            run.Owned.Remove(key);
            entries[key].Owner = null;
            GiveNext(key, entries[key]);
        }

        Sender.Tell(new Heard());
    }

    private void Finished(Made made)
    {
        var run = Know(made.RunId, null, Sender);
        var entry = Of(made.Key, run.Experiment);
        if (entry.Made is null)
        {
            entry.Made = made;
            Disown(made.Key, entry);
            GiveNext(made.Key, entry);
        }

        Sender.Tell(new Noted(made.Key));
    }

    /// <summary>A run has ended, or nobody takes it up.</summary>
    private void Left(string runId)
    {
        StopWaiting(runId);
        if (runs.Remove(runId, out var run))
        {
            Context.Unwatch(run.Supervisor);
        }

        foreach (var (key, entry) in entries.Where(one => one.Value.Owner == runId).ToList())
        {
            entry.Owner = null;
            GiveNext(key, entry);
        }

        if (run?.Experiment is { } experiment && find is not null && !runs.Values.Any(one => one.Experiment == experiment))
        {
            // It is in their journals.
            looked.Remove(experiment);
            entries
                .Where(one => one.Value.Experiment == experiment && one.Value is { Owner: null, Waiting.Count: 0 })
                .ToList()
                .ForEach(one => entries.Remove(one.Key));
        }
    }

    /// <summary>A supervisor is gone; another may take up its run.</summary>
    private void Lost(IActorRef supervisor)
    {
        foreach (var (runId, run) in runs.Where(one => one.Value.Supervisor.Equals(supervisor)).ToList())
        {
            run.IsLost = true;
            StopWaiting(runId);
            Timers.StartSingleTimer(runId, new GivenUp(runId, supervisor), Patience);
        }
    }

    private bool IsCurrent(string runId, IActorRef supervisor) =>
        runs.TryGetValue(runId, out var run) && !run.IsLost && run.Supervisor.Equals(supervisor);

    private void StopWaiting(string runId)
    {
        foreach (var entry in entries.Values)
        {
            entry.Waiting.Remove(runId);
        }
    }

    private Run Know(string runId, string? experiment, IActorRef supervisor)
    {
        if (!runs.TryGetValue(runId, out var run))
        {
            run = runs[runId] = new Run(supervisor);
            run.Owned.UnionWith(entries.Where(one => one.Value.Owner == runId).Select(one => one.Key));
            Context.Watch(supervisor);
        }
        else if (!run.Supervisor.Equals(supervisor))
        {
            Context.Unwatch(run.Supervisor);
            run.Supervisor = supervisor;
            Context.Watch(supervisor);
        }

        run.IsLost = false;
        run.Experiment ??= experiment;
        return run;
    }

    /// <summary>Those who wait are told a result that is there; else the next in line computes it.</summary>
    private void GiveNext(string key, Entry entry)
    {
        if (entry.Made is { } made)
        {
            entry.Waiting.ForEach(one => runs[one].Supervisor.Tell(made));
            entry.Waiting.Clear();
        }
        else if (entry.Waiting is [var next, ..])
        {
            Give(key, entry, next);
        }
    }

    private void Give(string key, Entry entry, string runId)
    {
        Own(key, entry, runId);
        runs[runId].Supervisor.Tell(new Yours(key));
    }

    private void Own(string key, Entry entry, string runId)
    {
        (entry.Owner, entry.Since) = (runId, Now);
        entry.Waiting.Remove(runId);
        runs[runId].Owned.Add(key);
    }

    private void Disown(string key, Entry entry)
    {
        if (entry.Owner is { } owner && runs.TryGetValue(owner, out var run))
        {
            run.Owned.Remove(key);
        }

        entry.Owner = null;
    }

    private sealed class Entry(string? experiment)
    {
        public string? Experiment => experiment;

        public Made? Made { get; set; }

        /// <summary>The run that computes it.</summary>
        public string? Owner { get; set; }

        public DateTimeOffset Since { get; set; }

        /// <summary>Runs that are known, in the order in which they asked.</summary>
        public List<string> Waiting { get; } = [];
    }

    private sealed class Run(IActorRef supervisor)
    {
        public IActorRef Supervisor { get; set; } = supervisor;

        public string? Experiment { get; set; }

        /// <summary>Keys of what it computes.</summary>
        public HashSet<string> Owned { get; } = new(StringComparer.Ordinal);

        public bool IsLost { get; set; }
    }

    /// <param name="Fault">Why nothing was found; null otherwise.</param>
    private sealed record Found(string Experiment, IReadOnlyList<Made> Made, string? Fault);

    private sealed record GivenUp(string RunId, IActorRef Supervisor);

    private sealed class Listened
    {
        public static readonly Listened Instance = new();
    }
}
