using Akka.Actor;
using CoIN.Benchmark.Runs;

namespace CoIN.Actors.Hosting;

/// <summary>A run that has a supervisor in this process.</summary>
/// <param name="taken">Not one that has everything.</param>
internal sealed class DrivenRun(TakenUp taken)
{
    public RunRequest Request => taken.Request;

    public RunState? State => taken.State;

    public RunStarted Start => taken.Start!;

    /// <summary>Completed with the last snapshot, or with the fault that ended the supervisor.</summary>
    public TaskCompletionSource<RunSnapshot> Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Null before the actors are there.</summary>
    public IActorRef? Supervisor { get; set; }
}
