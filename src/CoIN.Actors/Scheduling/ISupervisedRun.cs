using CoIN.Benchmark.Runs;

namespace CoIN.Actors.Scheduling;

/// <summary>A run as the parts of its supervisor see it.</summary>
internal interface ISupervisedRun
{
    /// <summary>By the events that are written.</summary>
    RunState State { get; }

    /// <summary>Whether nothing new is begun.</summary>
    bool IsEnding { get; }

    /// <summary>Persists events, applies them, and only then does what follows from them: the one way into the journal.</summary>
    void Record(IReadOnlyList<RunEvent> events, Action then);

    /// <summary>Offers what is missing, or ends the run where nothing is.</summary>
    void Proceed();

    /// <summary>
    /// Lets what is in work come to a resumable point, then ends the run with an event. The first reason for an end counts.
    /// </summary>
    void End(RunEvent last);
}
