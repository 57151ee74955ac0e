using System.Collections.Concurrent;
using System.Diagnostics;
using System.Security.Cryptography;
using CoIN.Actors.Channels;
using CoIN.Actors.Protocol;
using CoIN.Benchmark;
using CoIN.Benchmark.Files;
using Microsoft.Extensions.Logging;
using static CoIN.Actors.Artifacts.ArtifactWire;

namespace CoIN.Actors.Artifacts;

/// <summary>
/// Brings artifacts of runs from the nodes that have them. What came of one is kept under a temporary name and gone on with, also from
/// another node and by another process;
/// it gets its name when it is whole and has the hash that the journal names.
/// </summary>
/// <param name="security">Null for clear text on loopback.</param>
internal sealed class ArtifactFetcher(ArtifactPeers peers, ChannelSecurity? security, FileHashes hashes, ILogger log)
{
    private const int Chunk = 1 << 18;
    private const int NamedByHash = 16;
    private const double Mega = 1e6;

    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(8);

    // Two workers that need one adapter bring it once.
    private readonly ConcurrentDictionary<string, SemaphoreSlim> places = new(StringComparer.Ordinal);

    /// <summary>
    /// Brings what is not in a run's folder; every node is asked, again and again with longer pauses, as long as something comes.
    /// </summary>
    /// <param name="first">The node that is asked first; null for none.</param>
    /// <param name="patience">How long to go on while nothing comes.</param>
    /// <returns>What no node gave.</returns>
    /// <exception cref="CoinException">It cannot be written here.</exception>
    /// <exception cref="OperationCanceledException">It was told to stop.</exception>
    public async Task<IReadOnlyList<Unfetched>> BringAsync(
        string runId,
        string runFolder,
        IReadOnlyList<Artifact> wanted,
        string? first,
        TimeSpan patience,
        CancellationToken stop
    )
    {
        var missing = wanted.Where(one => !hashes.Has(InnerPath.Of(runFolder, one.Path), one)).ToList();
        var reasons = new Dictionary<Artifact, string>();
        var (pause, still) = (FirstPause, Stopwatch.StartNew());
        while (missing.Count > 0)
        {
            foreach (var artifact in missing.ToList())
            {
                var (there, came, reason) = await FromAnyAsync(runId, runFolder, artifact, first, stop).ConfigureAwait(false);
                if (there)
                {
                    missing.Remove(artifact);
                }

                if (came > 0)
                {
                    (pause, still) = (FirstPause, Stopwatch.StartNew());
                }

                reasons[artifact] = reason;
            }

            if (missing.Count == 0 || still.Elapsed >= patience)
            {
                break;
            }

            await Task.Delay(pause, stop).ConfigureAwait(false);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }

        return [.. missing.Select(one => new Unfetched(one, reasons[one]))];
    }

    /// <summary>Brings files that no event names, as far as a node has them and they are not here; nothing depends on them.</summary>
    public async Task BringLooseAsync(string runId, string runFolder, IEnumerable<string> paths, CancellationToken stop)
    {
        foreach (var path in paths.Where(path => !File.Exists(InnerPath.Of(runFolder, path))).ToList())
        {
            foreach (var peer in peers.All(null))
            {
                try
                {
                    await using var stream = await PeerStreams.ConnectAsync(peer.Host, peer.Port, security, stop).ConfigureAwait(false);
                    if (await BesideAsync(stream, runId, runFolder, path, stop).ConfigureAwait(false))
                    {
                        break;
                    }
                }
                catch (IOException e)
                {
                    log.LogDebug("{Path} of run {RunId} did not come from {Node}: {Reason}", path, runId, peer.Name, e.Message);
                }
            }
        }
    }

    private async Task<(bool There, long Came, string Reason)> FromAnyAsync(
        string runId,
        string runFolder,
        Artifact artifact,
        string? first,
        CancellationToken stop
    )
    {
        var path = InnerPath.Of(runFolder, artifact.Path);
        var place = places.GetOrAdd(path, _ => new SemaphoreSlim(1));
        await place.WaitAsync(stop).ConfigureAwait(false);
        try
        {
            if (hashes.Has(path, artifact))
            {
                return (true, 0, "");
            }

            var (reasons, bytes) = (new List<string>(), 0L);
            foreach (var peer in peers.All(first))
            {
                var (clock, before) = (Stopwatch.StartNew(), bytes);
                try
                {
                    await FromAsync(peer, runId, runFolder, artifact, came => bytes += came, stop).ConfigureAwait(false);
                    log.LogInformation(
                        "Fetched {Path} of run {RunId} from {Node}: {Size:F1} MB in {Seconds:F1} s",
                        artifact.Path,
                        runId,
                        peer.Name,
                        (bytes - before) / Mega,
                        clock.Elapsed.TotalSeconds
                    );
                    return (true, bytes, "");
                }
                catch (IOException e)
                {
                    reasons.Add($"{peer.Name}: {e.Message}");
                    if (bytes > before)
                    {
                        log.LogWarning(
                            "{Path} of run {RunId} came from {Node} in part only ({Reason}); it is gone on with",
                            artifact.Path,
                            runId,
                            peer.Name,
                            e.Message
                        );
                    }
                }
            }

            return (false, bytes, reasons.Count == 0 ? "there is no other node" : string.Join("; ", reasons));
        }
        finally
        {
            place.Release();
        }
    }

    /// <exception cref="IOException">The peer has it not, or is gone, or gives something else.</exception>
    private async Task FromAsync(
        ArtifactPeers.Peer peer,
        string runId,
        string runFolder,
        Artifact artifact,
        Action<long> came,
        CancellationToken stop
    )
    {
        await using var stream = await PeerStreams.ConnectAsync(peer.Host, peer.Port, security, stop).ConfigureAwait(false);
        var path = InnerPath.Of(runFolder, artifact.Path);
        var partial = path + Durable.TemporaryMark + artifact.Sha256[..Math.Min(NamedByHash, artifact.Sha256.Length)];
        if (artifact.IsFolder)
        {
            var given = await AskAsync(stream, new Wanted(runId, artifact.Path, artifact.Sha256, true, 0), stop).ConfigureAwait(false);
            var files = given.Files ?? [];
            var sums = files.DistinctBy(file => file.Name).ToDictionary(file => file.Name, file => file.Sha256, StringComparer.Ordinal);
            if (Durable.Sha256Of(sums) != artifact.Sha256 || !InnerPath.AllInside(partial, sums.Keys))
            {
                throw new IOException("it lists other files than those that the journal names");
            }

            foreach (var (name, sha256) in sums)
            {
                var file = Path.Combine(partial, name);
                await FileAsync(stream, runId, $"{artifact.Path}/{name}", sha256, file, came, stop).ConfigureAwait(false);
            }
        }
        else
        {
            await FileAsync(stream, runId, artifact.Path, artifact.Sha256, partial, came, stop).ConfigureAwait(false);
        }

        foreach (var beside in artifact.Beside)
        {
            await BesideAsync(stream, runId, runFolder, beside, stop).ConfigureAwait(false);
        }

        if (artifact.IsFolder)
        {
            Durable.MoveFolder(partial, path);
        }
        else
        {
            Durable.MoveFile(partial, path);
        }
    }

    /// <summary>Goes on with a file where it stands.</summary>
    private static async Task FileAsync(
        Stream stream,
        string runId,
        string path,
        string sha256,
        string target,
        Action<long> came,
        CancellationToken stop
    )
    {
        var have = File.Exists(target) ? new FileInfo(target).Length : 0;
        var given = await AskAsync(stream, new Wanted(runId, path, sha256, false, have), stop).ConfigureAwait(false);
        await ReceiveAsync(stream, target, have, given.Length, null, came, stop).ConfigureAwait(false);
        if (Durable.Sha256(target, stop) != sha256)
        {
            File.Delete(target);
            throw new IOException($"what came of {path} is not what the journal names");
        }
    }

    /// <returns>Whether the peer has it.</returns>
    private static async Task<bool> BesideAsync(Stream stream, string runId, string runFolder, string path, CancellationToken stop)
    {
        await WriteAsync(stream, new Wanted(runId, path, null, false, 0), stop).ConfigureAwait(false);
        var given = await ReadAsync<Given>(stream, stop).ConfigureAwait(false) ?? throw new IOException("it has gone");
        if (given.Fault is not null)
        {
            return false;
        }

        var target = InnerPath.Of(runFolder, path);
        var partial = target + Durable.TemporaryMark + Guid.NewGuid().ToString("N")[..8];
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        await ReceiveAsync(stream, partial, 0, given.Length, hash, _ => { }, stop).ConfigureAwait(false);
        if (Convert.ToHexStringLower(hash.GetHashAndReset()) != given.Sha256)
        {
            File.Delete(partial);
            throw new IOException($"what came of {path} is not what was announced");
        }

        Durable.MoveFile(partial, target);
        return true;
    }

    private static async Task<Given> AskAsync(Stream stream, Wanted wanted, CancellationToken stop)
    {
        await WriteAsync(stream, wanted, stop).ConfigureAwait(false);
        var given = await ReadAsync<Given>(stream, stop).ConfigureAwait(false) ?? throw new IOException("it has gone");
        return given.Fault is { } fault ? throw new IOException(fault) : given;
    }

    private static async Task ReceiveAsync(
        Stream stream,
        string target,
        long from,
        long to,
        IncrementalHash? hash,
        Action<long> came,
        CancellationToken stop
    )
    {
        var file = OnDisk(target, () =>
        {
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            return new FileStream(target, FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read, Chunk);
        });
        try
        {
            file.Seek(from, SeekOrigin.Begin);
            var buffer = new byte[Chunk];
            for (var left = to - from; left > 0; )
            {
                var (got, room) = (0, buffer.AsMemory(0, (int)Math.Min(left, Chunk)));
                await WithinAsync(async patience => got = await stream.ReadAsync(room, patience).ConfigureAwait(false), stop)
                    .ConfigureAwait(false);
                left -= got > 0 ? got : throw new IOException("it has gone");
                hash?.AppendData(buffer, 0, got);
                OnDisk(target, () =>
                {
                    file.Write(buffer, 0, got);
                    return 0;
                });
                came(got);
            }

            OnDisk(target, () =>
            {
                file.Flush(flushToDisk: true);
                return 0;
            });
        }
        finally
        {
            // What has come stays for the next try; a disk that is full has said so before.
            await file.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>A disk that is full is no fault of the peer's.</summary>
    private static T OnDisk<T>(string path, Func<T> work)
    {
        try
        {
            return work();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CoinException(
                $"Cannot write {path}: {e.Message.TrimEnd('.')}. Free space on the disk or make the folder writable, then try again.",
                e
            );
        }
    }
}
