using Akka.Event;

namespace CoIN.Actors.Hosting;

/// <summary>
/// Takes the place of the logger that Akka prints to the console with while its own are not there, at the very beginning and end: the
/// console is the run's.
/// </summary>
internal sealed class QuietConsoleLogger : MinimalLogger
{
    protected override void Log(object message)
    {
        // Everything that matters is in the run's own log.
    }
}
