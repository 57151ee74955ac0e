using System.Buffers.Binary;
using System.Text.Json;

namespace CoIN.Actors.Artifacts;

/// <summary>
/// What nodes say to each other about artifacts: a question, an answer, and after the answer the bytes of a file. Questions and answers
/// are JSON behind their length
/// (4 bytes, big-endian). Several questions may follow one another on a stream.
/// </summary>
internal static class ArtifactWire
{
    private const int Longest = 1 << 20;

    /// <summary>A peer that says nothing for so long is gone.</summary>
    public static readonly TimeSpan Silence = TimeSpan.FromSeconds(30);

    /// <param name="Path">Below the run's folder.</param>
    /// <param name="Sha256">Which one; null for a file that the journal does not name.</param>
    /// <param name="Files">Whether the list of a folder's files is wanted, and not a file's bytes.</param>
    /// <param name="Offset">Bytes of the file that are there already.</param>
    public sealed record Wanted(string Run, string Path, string? Sha256, bool Files, long Offset);

    /// <param name="Fault">Why there is nothing; null where there is something.</param>
    /// <param name="Length">Of the whole file; what follows begins at the offset that was asked for.</param>
    /// <param name="Sha256">Of the whole file.</param>
    /// <param name="Files">Of a folder.</param>
    public sealed record Given(string? Fault, long Length, string? Sha256, IReadOnlyList<FileOf>? Files);

    /// <param name="Name">Below the folder.</param>
    public sealed record FileOf(string Name, long Length, string Sha256);

    public static async Task WriteAsync<T>(Stream stream, T message, CancellationToken stop)
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(message);
        var bytes = new byte[sizeof(int) + json.Length];
        BinaryPrimitives.WriteInt32BigEndian(bytes, json.Length);
        json.CopyTo(bytes, sizeof(int));
        await WithinAsync(patience => stream.WriteAsync(bytes, patience), stop).ConfigureAwait(false);
        await stream.FlushAsync(stop).ConfigureAwait(false);
    }

    /// <returns>Null where the peer has nothing more to say.</returns>
    /// <exception cref="IOException">It is no such message, or the peer is gone.</exception>
    public static async Task<T?> ReadAsync<T>(Stream stream, CancellationToken stop)
        where T : class
    {
        var length = new byte[sizeof(int)];
        var got = 0;
        await WithinAsync(
                async patience =>
                    got = await stream.ReadAtLeastAsync(length, sizeof(int), throwOnEndOfStream: false, patience).ConfigureAwait(false),
                stop
            )
            .ConfigureAwait(false);
        if (got == 0)
        {
            return null;
        }

        var json =
            BinaryPrimitives.ReadInt32BigEndian(length) is var size and > 0 and <= Longest && got == sizeof(int)
                ? new byte[size]
                : throw new IOException("what the peer says is no message about files");
        await WithinAsync(patience => stream.ReadExactlyAsync(json, patience), stop).ConfigureAwait(false);
        try
        {
            return JsonSerializer.Deserialize<T>(json);
        }
        catch (JsonException e)
        {
            throw new IOException("what the peer says is no message about files", e);
        }
    }

    /// <summary>Does something with a peer that has to come to an end while one bears with its silence.</summary>
    /// <exception cref="IOException">It did not.</exception>
    public static async Task WithinAsync(Func<CancellationToken, ValueTask> work, CancellationToken stop)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter(Silence);
        try
        {
            await work(patience.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (!stop.IsCancellationRequested)
        {
            throw new IOException(FormattableString.Invariant($"the peer has been silent for {Silence.TotalSeconds:F0} s"), e);
        }
    }
}
