using System.Diagnostics;
using CoIN.Benchmark;
using CoIN.Benchmark.Runs;

namespace CoIN.Actors.Journal;

/// <summary>
/// The right to drive a run: an exclusive lock on a file of its folder, which the operating system takes back when the process ends,
/// however it ends. Beside it stands who holds it, for people. A run whose journal is in a database is locked there too, since its folder
/// may be another one on another host.
/// </summary>
internal sealed class RunLock : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(20);

    private readonly FileStream held;
    private readonly DatabaseLock? inDatabase;

    private RunLock(FileStream held, DatabaseLock? inDatabase) => (this.held, this.inDatabase) = (held, inDatabase);

    /// <summary>
    /// Done should another process have taken the run while its database was away from this one; what this process does from then on is in
    /// vain.
    /// </summary>
    public Task Lost => lost.Task;

    private readonly TaskCompletionSource lost = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Takes a run that is to be driven.</summary>
    /// <param name="database">
    /// Where the journal of a run goes that is in no database yet; null for its folder. What its folder has is copied into the database.
    /// </param>
    /// <exception cref="CoinException">As for the other; or the database is away, or is another one than the run's.</exception>
    public static RunLock Take(string runFolder, JournalDatabase? database)
    {
        var taken = Take(runFolder);
        try
        {
            var known = JournalPlace.Of(runFolder);
            if (known is not null && database is not null && known.Database != database.Address)
            {
                throw new CoinException(
                    $"The journal of the run in {runFolder} is in {known.Open.Name}, and coin.cluster.journal names {database.Name}. Leave that key out; if the database has moved, "
                        + $"correct its address in {RunPaths.JournalPlace} of the folder."
                )
                {
                    IsFinal = true,
                };
            }

            if ((known ?? (database is null ? null : JournalPlace.New(database, RunPaths.NameOf(runFolder)))) is not { } place)
            {
                return taken;
            }

            var whole = new RunLock(
                taken.held,
                DatabaseLock.Take(place, runFolder, RunPaths.NameOf(runFolder), File.ReadAllText(Path.Combine(runFolder, RunPaths.Owner)))
            );
            whole.inDatabase!.Lost += whole.lost.SetResult;
            taken = whole;
            if (known is null)
            {
                place.Write(runFolder);
            }

            JournalExchange.Settle(runFolder, place);
            return taken;
        }
        catch
        {
            taken.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Takes a run to change something of it. Where its database is away, its folder alone is taken; the run is read only if it is not
    /// under way then.
    /// </summary>
    /// <exception cref="CoinException">Another process drives the run.</exception>
    public static RunLock TakeToChange(string runFolder)
    {
        try
        {
            return Take(runFolder, database: null);
        }
        catch (CoinException e) when (e.InnerException is { } cause && JournalDatabase.IsFault(cause))
        {
            return Take(runFolder);
        }
    }

    /// <summary>Takes a folder.</summary>
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
            File.WriteAllText(
                owner,
                $"process {Environment.ProcessId} on {Environment.MachineName} since {DateTimeOffset.Now:yyyy-MM-dd HH:mm:ss zzz}"
            );
            return new RunLock(file, null);
        }
        catch (IOException) when (file is null && File.Exists(owner) && File.Exists(Path.Combine(runFolder, RunPaths.Lock)))
        {
            throw new CoinException(
                $"The run in {runFolder} is being driven by {File.ReadAllText(owner)}. Stop that process first, or look on with 'status'."
            )
            {
                IsFinal = true,
            };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            file?.Dispose();
            throw new CoinException(
                $"Cannot lock the run's folder {runFolder}: {e.Message} Make it writable and free space on its disk; looking on needs neither: status, report --out, compare.",
                e
            );
        }
    }

    /// <summary>
    /// Whether a process drives the run, of whatever user. It asks for a moment to share the lock, which those who look on may do together;
    /// nothing is written.
    /// </summary>
    public static bool IsHeld(string runFolder)
    {
        if (IsFileHeld(runFolder))
        {
            return true;
        }

        try
        {
            return JournalPlace.Of(runFolder) is { } place && DatabaseLock.IsHeld(place);
        }
        catch (Exception e) when (JournalDatabase.IsFault(e))
        {
            // Nobody drives a run long without its database; what its journal says stands.
            return true;
        }
    }

    /// <summary>Whether a process of a host that sees this folder drives the run.</summary>
    internal static bool IsFileHeld(string runFolder)
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

    public void Dispose()
    {
        inDatabase?.Dispose();
        held.Dispose();
    }

    /// <summary>Somebody may just be looking whether the lock is held: that is over in an instant.</summary>
    private static FileStream Open(string path, TimeSpan patience)
    {
        for (var clock = Stopwatch.StartNew(); ; )
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
