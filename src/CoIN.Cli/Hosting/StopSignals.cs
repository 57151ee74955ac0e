using System.Runtime.InteropServices;

namespace CoIN.Cli.Hosting;

/// <summary>The wish of the person at the keyboard, or of the machine, that the run ends.</summary>
internal interface IStopSignals : IDisposable
{
    /// <summary>Cancelled by the first signal.</summary>
    CancellationToken Stop { get; }
}

/// <summary>Ctrl-C, SIGTERM and SIGHUP: the first asks to stop at a resumable point, the second ends the process.</summary>
internal sealed class StopSignals : IStopSignals
{
    private readonly CancellationTokenSource _source = new();
    private readonly Action<string> _tell;
    private readonly Action _exit;
    private readonly List<PosixSignalRegistration> _registrations = [];
    private int _count;

    public StopSignals(Action<string> tell, Action exit)
    {
        _tell = tell;
        _exit = exit;
    }

    public CancellationToken Stop => _source.Token;

    /// <summary>Listens to the operating system.</summary>
    public static StopSignals Listen(Action<string> tell, Action exit)
    {
        var signals = new StopSignals(tell, exit);
        foreach (var signal in new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP })
        {
            signals._registrations.Add(PosixSignalRegistration.Create(signal, context =>
            {
                context.Cancel = true;
                signals.Raise();
            }));
        }

        return signals;
    }

    /// <summary>A signal has come.</summary>
    public void Raise()
    {
        if (Interlocked.Increment(ref _count) > 1)
        {
            _exit();
            return;
        }

        _tell("stopping after this step… (once more to stop at once)");
        _source.Cancel();
    }

    public void Dispose()
    {
        _registrations.ForEach(registration => registration.Dispose());
        _source.Dispose();
    }
}
