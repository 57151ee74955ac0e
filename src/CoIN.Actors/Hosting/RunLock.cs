using CoIN.Benchmark;
using CoIN.Benchmark.Runs;

namespace CoIN.Actors.Hosting;

/// <summary>
/// The right to drive a run: an exclusive lock on a file of its folder, which the operating system takes back when the process ends, however it ends.
/// Beside it stands who holds it, for people.
/// </summary>
internal sealed class RunLock : IDisposable
{
    private readonly FileStream held;

    private RunLock(FileStream held) => this.held = held;

    /// <exception cref="CoinException">Another process drives the run, or the folder cannot be written.</exception>
    public static RunLock Take(string runFolder)
    {
        var owner = Path.Combine(runFolder, RunPaths.Owner);
        FileStream? file = null;
        try
        {
            Directory.CreateDirectory(runFolder);
            file = new FileStream(Path.Combine(runFolder, RunPaths.Lock), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            File.WriteAllText(owner, $"process {Environment.ProcessId} on {Environment.MachineName} since {DateTimeOffset.Now:yyyy-MM-dd HH:mm:ss zzz}");
            return new RunLock(file);
        }
        catch (IOException) when (file is null && File.Exists(owner) && File.Exists(Path.Combine(runFolder, RunPaths.Lock)))
        {
            throw new CoinException($"The run in {runFolder} is being driven by {File.ReadAllText(owner)}. Stop that process first, or look on with 'status'.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            file?.Dispose();
            throw new CoinException($"Cannot lock the run's folder {runFolder}: {e.Message} Make it writable and free space on its disk.", e);
        }
    }

    public void Dispose() => held.Dispose();
}
