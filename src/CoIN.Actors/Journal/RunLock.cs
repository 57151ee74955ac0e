using System.Diagnostics;
using CoIN.Benchmark;
using CoIN.Benchmark.Runs;

namespace CoIN.Actors.Journal;

/// <summary>
/// The right to drive a run: an exclusive lock on a file of its folder, which the operating system takes back when the process ends, however it ends.
/// Beside it stands who holds it, for people.
/// </summary>
internal sealed class RunLock : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(20);

    private readonly FileStream held;

    private RunLock(FileStream held) => this.held = held;

    /// <param name="patience">How long to try while somebody looks whether the lock is held; half a second by default.</param>
    /// <exception cref="CoinException">Another process drives the run, or the folder cannot be written.</exception>
    public static RunLock Take(string runFolder, TimeSpan? patience = null)
    {
        var owner = Path.Combine(runFolder, RunPaths.Owner);
        FileStream? file = null;
        try
        {
            Directory.CreateDirectory(runFolder);
            file = Open(Path.Combine(runFolder, RunPaths.Lock), patience ?? Patience);
            File.WriteAllText(owner, $"process {Environment.ProcessId} on {Environment.MachineName} since {DateTimeOffset.Now:yyyy-MM-dd HH:mm:ss zzz}");
            return new RunLock(file);
        }
        catch (IOException) when (file is null && File.Exists(owner) && File.Exists(Path.Combine(runFolder, RunPaths.Lock)))
        {
            throw new CoinException($"The run in {runFolder} is being driven by {File.ReadAllText(owner)}. Stop that process first, or look on with 'status'.") { IsFinal = true };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            file?.Dispose();
            throw new CoinException($"Cannot lock the run's folder {runFolder}: {e.Message} Make it writable and free space on its disk; looking on needs neither: status, report --out, compare.", e);
        }
    }

    /// <summary>
    /// Whether a process drives the run, of whatever user. It asks for a moment to share the lock, which those who look on may do together; nothing is written.
    /// </summary>
    public static bool IsHeld(string runFolder)
    {
        try
        {
            using var shared = new FileStream(Path.Combine(runFolder, RunPaths.Lock), FileMode.Open, FileAccess.Read, FileShare.Read);
            return false;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A lock that may not be looked at: then the journal's word stands.
            return true;
        }
    }

    public void Dispose() => held.Dispose();

    /// <summary>Somebody may just be looking whether the lock is held: that is over in an instant.</summary>
    private static FileStream Open(string path, TimeSpan patience)
    {
        for (var clock = Stopwatch.StartNew(); ;)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (clock.Elapsed < patience && File.Exists(path))
            {
                Thread.Sleep(Between);
            }
        }
    }
}
