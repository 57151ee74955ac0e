using System.Security.Cryptography;
using CoIN.Actors.Protocol;
using CoIN.Benchmark;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Runs;
using static CoIN.Actors.Artifacts.ArtifactWire;

namespace CoIN.Actors.Artifacts;

/// <summary>
/// Gives other nodes the files of runs that lie on this one: those that a journal names, by their hash, and what belongs to them. Nothing
/// else, whatever a peer asks for:
/// no journal, no configuration of the node, nothing outside a run's folder.
/// </summary>
/// <param name="runs">Absolute path of the folder that holds one folder per run.</param>
internal sealed class ArtifactServer(string runs, FileHashes hashes)
{
    private const int Chunk = 1 << 18;

    private static readonly string[] ByHash = ["stages/", "predictions/", "scores/", "judgements/"];

    // What no event names is still of use, and comes with its hash.
    private static readonly string[] Besides = ["training/", "routing/"];

    /// <summary>Answers a peer's questions until it has no more.</summary>
    /// <exception cref="IOException">The peer is gone.</exception>
    public async Task ServeAsync(Stream stream, CancellationToken stop)
    {
        while (await ReadAsync<Wanted>(stream, stop).ConfigureAwait(false) is { } wanted)
        {
            FileStream? file = null;
            try
            {
                Given given;
                try
                {
                    (given, file) = Answer(wanted);
                }
                catch (Exception e) when (e is CoinException or IOException or UnauthorizedAccessException)
                {
                    given = Nothing(e.Message.TrimEnd('.'));
                }

                await WriteAsync(stream, given, stop).ConfigureAwait(false);
                if (file is not null)
                {
                    await SendAsync(file, wanted.Offset, given.Length, stream, stop).ConfigureAwait(false);
                }
            }
            finally
            {
                if (file is not null)
                {
                    await file.DisposeAsync().ConfigureAwait(false);
                }
            }
        }
    }

    private (Given Given, FileStream? File) Answer(Wanted wanted)
    {
        if (!InnerPath.IsRunId(wanted.Run ?? "") || wanted.Path is null || !IsArtifact(wanted.Path, byHash: wanted.Sha256 is not null))
        {
            return (Nothing("it is no artifact of a run"), null);
        }

        var path = InnerPath.Of(Path.Combine(runs, wanted.Run!), wanted.Path);
        if (wanted.Files)
        {
            return hashes.OfFiles(path) is not { } files ? (Nothing("it is not here"), null)
                : Durable.Sha256Of(files) != wanted.Sha256 ? (Nothing("another one is here"), null)
                : (new Given(null, 0, wanted.Sha256, [.. files.Select(file => FileOf(path, file.Key, file.Value))]), null);
        }

        if (!File.Exists(path))
        {
            return (Nothing("it is not here"), null);
        }

        if (wanted.Sha256 is not null && hashes.Of(path) != wanted.Sha256)
        {
            return (Nothing("another one is here"), null);
        }

        var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 1);
        var length = file.Length;
        if (wanted.Offset < 0 || wanted.Offset > length)
        {
            file.Dispose();
            return (Nothing("it is shorter than what is there already"), null);
        }

        // A file that is being appended to is given as it is now.
        return (new Given(null, length, wanted.Sha256 ?? Sha256(file, length), null), file);
    }

    private static bool IsArtifact(string path, bool byHash) =>
        !path.Contains(Durable.TemporaryMark, StringComparison.Ordinal)
        && (
            byHash
                ? path == RunPaths.Images || ByHash.Any(folder => path.StartsWith(folder, StringComparison.Ordinal))
                : RunArtifacts.Loose.Contains(path)
                    || Besides.Any(folder => path.StartsWith(folder, StringComparison.Ordinal))
                    || (
                        path.StartsWith("predictions/", StringComparison.Ordinal)
                        && path.EndsWith(".routing.json", StringComparison.Ordinal)
                    )
        );

    private static FileOf FileOf(string folder, string name, string sha256) =>
        new(name, new FileInfo(Path.Combine(folder, name)).Length, sha256);

    private static Given Nothing(string why) => new(why, 0, null, null);

    private static string Sha256(FileStream file, long length)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[Chunk];
        for (var left = length; left > 0; )
        {
            var got = file.Read(buffer, 0, (int)Math.Min(left, Chunk));
            left -= got > 0 ? got : throw new IOException("it became shorter while it was read");
            hash.AppendData(buffer, 0, got);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static async Task SendAsync(FileStream file, long from, long to, Stream stream, CancellationToken stop)
    {
        file.Seek(from, SeekOrigin.Begin);
        var buffer = new byte[Chunk];
        for (var left = to - from; left > 0; )
        {
            var got = await file.ReadAsync(buffer.AsMemory(0, (int)Math.Min(left, Chunk)), stop).ConfigureAwait(false);
            left -= got > 0 ? got : throw new IOException("it became shorter while it was given");
            await WithinAsync(patience => stream.WriteAsync(buffer.AsMemory(0, got), patience), stop).ConfigureAwait(false);
        }

        await stream.FlushAsync(stop).ConfigureAwait(false);
    }
}
