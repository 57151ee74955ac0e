using System.Runtime.InteropServices;

namespace CoIN.Cli.Hosting;

/// <summary>The wish of the person at the keyboard, or of the machine, that the run ends.</summary>
internal interface IStopSignals : IDisposable
{
    /// <summary>Cancelled by the first signal.</summary>
    CancellationToken Stop { get; }
}

/// <summary>
/// Ctrl-C, SIGTERM, SIGHUP and, on Linux, SIGUSR1: the first asks to stop at a resumable point, the second ends the process.
/// </summary>
internal sealed class StopSignals : IStopSignals
{
    /// <summary>SIGUSR1 on Linux: how Slurm's users have a job warned of its time limit.</summary>
    private const PosixSignal UserSignal = (PosixSignal)10;

    private readonly CancellationTokenSource source = new();
    private readonly Action<string> tell;
    private readonly Action exit;
    private readonly List<PosixSignalRegistration> registrations = [];
    private int count;

    public StopSignals(Action<string> tell, Action exit)
    {
        this.tell = tell;
        this.exit = exit;
    }

    public CancellationToken Stop => source.Token;

    /// <summary>Listens to the operating system.</summary>
    public static StopSignals Listen(Action<string> tell, Action exit)
    {
        var signals = new StopSignals(tell, exit);
        PosixSignal[] usual = [PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP];
        foreach (var signal in OperatingSystem.IsLinux() ? [.. usual, UserSignal] : usual)
        {
            signals.registrations.Add(PosixSignalRegistration.Create(signal, context =>
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
        if (Interlocked.Increment(ref count) > 1)
        {
            exit();
            return;
        }

        tell("stopping after this step… (once more to stop at once)");
        source.Cancel();
    }

    public void Dispose()
    {
        registrations.ForEach(registration => registration.Dispose());
        source.Dispose();
    }
}
