using Akka.Actor;
using CoIN.Actors.Scheduling;

namespace CoIN.Speed.Scheduling;

/// <summary>The scheduler, measured.</summary>
internal sealed class MeasuredScheduler(Meter meter) : Scheduler
{
    public const string Name = "scheduler";

    private readonly Queue queue = meter.Queue(Name);

    protected override bool AroundReceive(Receive receive, object message) =>
        meter.Measure(Name, queue, message, () => base.AroundReceive(receive, message));
}

/// <summary>A run's supervisor, measured.</summary>
internal sealed class MeasuredSupervisor(Meter meter, SupervisorSettings settings) : RunSupervisor(settings)
{
    public const string Name = "supervisor";

    private readonly Queue queue = meter.Queue(Name);

    protected override bool AroundReceive(Receive receive, object message) =>
        meter.Measure(Name, queue, message, () => base.AroundReceive(receive, message));
}
