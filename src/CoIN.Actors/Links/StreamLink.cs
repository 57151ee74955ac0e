using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;
using CoIN.Benchmark.Learning;

namespace CoIN.Actors.Links;

/// <summary>
/// A way between trainers over a stream: a header in JSON with its length before it, then the count of the numbers and the numbers,
/// float32, little-endian. A sender that is faster than the receiver is held up by the connection's own flow control; there is nothing
/// between that could pile up.
/// </summary>
internal sealed class StreamLink(Stream stream, string peer) : ITrainingLink
{
    private const int LongestHeader = 1 << 26;
    private const int NumbersOfPart = 1 << 16;

    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly byte[] part = new byte[NumbersOfPart * sizeof(float)];
    private readonly byte[] sizes = new byte[sizeof(int) + sizeof(long)];
    private readonly byte[] received = new byte[sizeof(int) + sizeof(long)];

    /// <summary>Done when this end is closed.</summary>
    public Task Ended => ended.Task;

    public Task SendAsync(LinkMessage message, ReadOnlyMemory<float> numbers) =>
        Guarded(async () =>
        {
            var header = JsonSerializer.SerializeToUtf8Bytes(message);
            BinaryPrimitives.WriteInt32LittleEndian(sizes, header.Length);
            BinaryPrimitives.WriteInt64LittleEndian(sizes.AsSpan(sizeof(int)), numbers.Length);
            await stream.WriteAsync(sizes).ConfigureAwait(false);
            await stream.WriteAsync(header).ConfigureAwait(false);
            var outgoing = new byte[Math.Min(NumbersOfPart, numbers.Length) * sizeof(float)];
            for (var at = 0; at < numbers.Length; at += NumbersOfPart)
            {
                var count = Math.Min(NumbersOfPart, numbers.Length - at);
                MemoryMarshal.AsBytes(numbers.Span.Slice(at, count)).CopyTo(outgoing);
                await stream.WriteAsync(outgoing.AsMemory(0, count * sizeof(float))).ConfigureAwait(false);
            }

            await stream.FlushAsync().ConfigureAwait(false);
            return message;
        });

    public Task<LinkMessage> ReceiveAsync(TakeNumbers take) =>
        Guarded(async () =>
        {
            await stream.ReadExactlyAsync(received).ConfigureAwait(false);
            var length = BinaryPrimitives.ReadInt32LittleEndian(received);
            var count = BinaryPrimitives.ReadInt64LittleEndian(received.AsSpan(sizeof(int)));
            if (length is < 0 or > LongestHeader || count is < 0 or > int.MaxValue)
            {
                throw new InvalidDataException($"a header of {length} bytes and {count} numbers");
            }

            var header = new byte[length];
            await stream.ReadExactlyAsync(header).ConfigureAwait(false);
            var message = JsonSerializer.Deserialize<LinkMessage>(header) ?? throw new InvalidDataException("an empty header");
            for (var at = 0; at < count; at += NumbersOfPart)
            {
                var bytes = part.AsMemory(0, (int)Math.Min(NumbersOfPart, count - at) * sizeof(float));
                await stream.ReadExactlyAsync(bytes).ConfigureAwait(false);
                take(at, MemoryMarshal.Cast<byte, float>(bytes.Span));
            }

            return message;
        });

    public void Dispose()
    {
        stream.Dispose();
        ended.TrySetResult();
    }

    private async Task<LinkMessage> Guarded(Func<Task<LinkMessage>> action)
    {
        try
        {
            return await action().ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or OperationCanceledException or JsonException)
        {
            throw new TrainerLostException($"the connection with {peer} has ended: {e.Message.TrimEnd('.')}", e);
        }
    }
}

/// <summary>A way that is not yet there: whoever uses it waits.</summary>
internal sealed class PendingLink : ITrainingLink
{
    private readonly TaskCompletionSource<ITrainingLink> made = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>There it is. A second one is closed.</summary>
    public void Set(ITrainingLink link)
    {
        if (!made.TrySetResult(link))
        {
            link.Dispose();
        }
    }

    /// <summary>It will not come.</summary>
    public void Fail(Exception cause) => made.TrySetException(cause);

    public async Task SendAsync(LinkMessage message, ReadOnlyMemory<float> numbers) =>
        await (await made.Task.ConfigureAwait(false)).SendAsync(message, numbers).ConfigureAwait(false);

    public async Task<LinkMessage> ReceiveAsync(TakeNumbers take) =>
        await (await made.Task.ConfigureAwait(false)).ReceiveAsync(take).ConfigureAwait(false);

    public void Dispose()
    {
        Fail(new TrainerLostException("this trainer has ended its part"));
        _ = made.Task.Exception;
        if (made.Task.IsCompletedSuccessfully)
        {
            made.Task.Result.Dispose();
        }
    }
}
