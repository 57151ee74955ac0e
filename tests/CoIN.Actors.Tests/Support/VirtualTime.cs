using Akka.Actor;
using Akka.TestKit;
using Akka.TestKit.Xunit;

namespace CoIN.Actors.Tests.Support;

/// <summary>Actors whose timers go only when the test lets them, with a journal in memory.</summary>
public abstract class VirtualTime : TestKit
{
    private const string Settings = """
        akka {
          scheduler.implementation = "Akka.TestKit.TestScheduler, Akka.TestKit"
          loglevel = OFF
          stdout-loglevel = OFF
          log-dead-letters = off
          actor.guardian-supervisor-strategy = "Akka.Actor.StoppingSupervisorStrategy"
          persistence.journal.plugin = "akka.persistence.journal.inmem"
        }
        """;

    protected VirtualTime(string more = "")
        : base(more + Settings) { }

    protected void Pass(TimeSpan time) => ((TestScheduler)Sys.Scheduler).Advance(time);

    /// <summary>Ends an actor and waits until it is gone.</summary>
    protected void End(IActorRef actor)
    {
        var watcher = CreateTestProbe();
        watcher.Watch(actor);
        Sys.Stop(actor);
        watcher.ExpectTerminated(actor);
    }
}
