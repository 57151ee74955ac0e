using System.Threading.Channels;

namespace CoIN.Benchmark.Learning;

/// <summary>A way between two trainers of one process: the receiver reads the sender's own memory.</summary>
public sealed class LocalLink : ITrainingLink
{
    private readonly ChannelReader<Parcel> from;
    private readonly ChannelWriter<Parcel> to;
    private readonly CancellationTokenSource closed;

    private LocalLink(ChannelReader<Parcel> from, ChannelWriter<Parcel> to, CancellationTokenSource closed) =>
        (this.from, this.to, this.closed) = (from, to, closed);

    /// <summary>
    /// The two ends of a way. When one is disposed of, the other one's calls end with <see cref="TrainerLostException"/>.
    /// </summary>
    public static (LocalLink First, LocalLink Second) Pair()
    {
        var (there, back) = (Channel.CreateUnbounded<Parcel>(), Channel.CreateUnbounded<Parcel>());
#pragma warning disable CA2000 // No timer and no registration outlives the ends.
        var closed = new CancellationTokenSource();
#pragma warning restore CA2000
        return (new LocalLink(back.Reader, there.Writer, closed), new LocalLink(there.Reader, back.Writer, closed));
    }

    public async Task SendAsync(LinkMessage message, ReadOnlyMemory<float> numbers)
    {
        var parcel = new Parcel(message, numbers, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        try
        {
            await to.WriteAsync(parcel, closed.Token).ConfigureAwait(false);
            await parcel.Taken.Task.WaitAsync(closed.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e)
        {
            throw Lost(e);
        }
    }

    public async Task<LinkMessage> ReceiveAsync(TakeNumbers take)
    {
        ArgumentNullException.ThrowIfNull(take);
        try
        {
            var parcel = await from.ReadAsync(closed.Token).ConfigureAwait(false);
            take(0, parcel.Numbers.Span);
            parcel.Taken.SetResult();
            return parcel.Message;
        }
        catch (OperationCanceledException e)
        {
            throw Lost(e);
        }
    }

    public void Dispose() => closed.Cancel();

    private static TrainerLostException Lost(Exception cause) => new("another trainer of the stage has ended its part", cause);

    private sealed record Parcel(LinkMessage Message, ReadOnlyMemory<float> Numbers, TaskCompletionSource Taken);
}
