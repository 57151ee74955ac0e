using CoIN.Benchmark;

namespace CoIN.Cli.Hosting;

/// <summary>How a process ends.</summary>
internal static class ExitCodes
{
    public const int Done = 0;

    public const int Fault = 1;

    /// <summary>The command line cannot be understood; nothing was done.</summary>
    public const int Usage = CoinException.Usage;

    /// <summary>Stopped by a signal at a point from which the run can be resumed (128 + SIGINT).</summary>
    public const int Stopped = 130;
}

/// <summary>Tells people about faults.</summary>
internal static class Faults
{
    private const string Red = "\u001b[31m";
    private const string Reset = "\u001b[0m";

    /// <summary>Prints a fault that ends the process.</summary>
    /// <param name="log">The log that holds the stack trace; null where there is none, then the trace is printed.</param>
    /// <returns>The exit code.</returns>
    public static int Tell(Host host, Exception fault, string? log)
    {
        switch (fault)
        {
            case CoinException known:
                Print(host, known.Message);
                return known.ExitCode == ExitCodes.Done ? ExitCodes.Fault : known.ExitCode;
            case OperationCanceledException:
                Print(host, "Stopped.");
                return ExitCodes.Stopped;
            case AggregateException { InnerException: (CoinException or IOException or UnauthorizedAccessException) and var first }:
                // Work on several threads: the first fault stands for them.
                return Tell(host, first, log);
            case IOException or UnauthorizedAccessException:
                // The world's fault rather than the program's: a full disk, a folder without permission.
                Print(host, fault.Message + (log is null ? "" : $" More is at the end of {log}."));
                return ExitCodes.Fault;
            default:
                Print(
                    host,
                    $"Unexpected fault: {fault.GetType().Name}: {fault.Message}"
                        + (log is null ? $"\n{fault.StackTrace}" : $"\nThe stack trace is at the end of {log}.")
                );
                return ExitCodes.Fault;
        }
    }

    private static void Print(Host host, string text)
    {
        host.Error.WriteLine(host.Terminal.ErrorColour ? $"{Red}{text}{Reset}" : text);
        host.Error.Flush();
    }
}
