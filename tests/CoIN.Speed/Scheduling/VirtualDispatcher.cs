using System.Collections.Concurrent;
using Akka.Configuration;
using Akka.Dispatch;

namespace CoIN.Speed.Scheduling;

/// <summary>Runs actors on the thread that asks for it, one after another.</summary>
internal sealed class VirtualDispatcher(MessageDispatcherConfigurator configurator) : MessageDispatcher(configurator)
{
    private readonly ConcurrentQueue<IRunnable> ready = new();

    /// <summary>Runs actors until none has a message.</summary>
    public void Drain()
    {
        while (ready.TryDequeue(out var one))
        {
            one.Run();
        }
    }

    protected override void ExecuteTask(IRunnable run) => ready.Enqueue(run);

    protected override void Shutdown() { }
}

/// <summary>Makes the one dispatcher of a simulation.</summary>
internal sealed class VirtualDispatcherConfigurator(Config config, IDispatcherPrerequisites prerequisites)
    : MessageDispatcherConfigurator(config, prerequisites)
{
    private VirtualDispatcher? only;

    public override MessageDispatcher Dispatcher() => only ??= new VirtualDispatcher(this);
}
