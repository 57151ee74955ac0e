using CoIN.Benchmark.Runs;

namespace CoIN.Actors.Protocol;

/// <summary>
/// Names one assignment of a piece of a run's work. Its number is unique in the run and grows, over recoveries of the supervisor too: what
/// bears an older one than the supervisor goes by is refused.
/// </summary>
internal sealed record Turn(string RunId, long Number)
{
    private const int TurnsOfOneTakeUp = 32;

    /// <summary>Of a piece of work that several workers do together: which of them, from 0. Null for work of one.</summary>
    public int? Rank { get; init; }

    /// <summary>Of a report that nobody has told yet.</summary>
    public static Turn None { get; } = new("", 0);

    /// <param name="takenUp">Number of the event by which the run was taken up: no two take-ups have the same one.</param>
    /// <param name="count">From 1 in each take-up.</param>
    public static Turn Of(string runId, long takenUp, long count) => new(runId, (takenUp << TurnsOfOneTakeUp) + count);

    /// <summary>
    /// Stands in the names of what is written for the turn where several hosts write: a worker that was cut off and does not know that its
    /// work has been given to another is in nobody's way.
    /// </summary>
    public string Fence() => FormattableString.Invariant($"-t{Number >> TurnsOfOneTakeUp}.{Number & ((1L << TurnsOfOneTakeUp) - 1)}");

    /// <summary>Whether both are of the same work and the same time, by whichever of its workers.</summary>
    public bool IsOfSameTeam(Turn other) => RunId == other.RunId && Number == other.Number;

    /// <summary>Whether this turn was given by a supervisor that took the place of the other one's.</summary>
    public bool IsOfLaterTakeUp(Turn other) => RunId == other.RunId && Number >> TurnsOfOneTakeUp > other.Number >> TurnsOfOneTakeUp;

    /// <summary>Whether this turn of the same run was given later.</summary>
    public bool IsAfter(Turn other) => RunId == other.RunId && Number > other.Number;
}
