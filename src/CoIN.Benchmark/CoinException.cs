namespace CoIN.Benchmark;

/// <summary>
/// A fault that its reader can mend: bad configuration, data, weights or disk. The message names the file, sample or key and the remedy;
/// it is shown without a stack trace, and the process ends with <see cref="ExitCode"/>.
/// </summary>
public sealed class CoinException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>The exit status for a command line that cannot be understood.</summary>
    public const int Usage = 2;

    /// <summary>Exit status of a process that ends because of this: never 0.</summary>
    public int ExitCode { get; init; } = 1;

    /// <summary>Doing the same again does not help: the message says what does.</summary>
    public bool IsFinal { get; init; }
}
