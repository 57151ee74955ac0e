namespace CoIN.Benchmark.Learning;

/// <summary>
/// The trainers that do a stage together. A step's micro-batches are dealt out to <c>training.world-size</c> shares, the shares to the
/// trainers; the first trainer
/// (rank 0) adds the shares' gradients in the order of the shares, makes the update and sends the parameters to the others. So a stage's
/// results depend on the
/// number of shares, and neither on how many trainers there are nor on where they are.
/// </summary>
/// <param name="Rank">Which of the trainers this one is, from 0.</param>
/// <param name="Trainers">How many there are: from 1 to the number of shares.</param>
/// <param name="Links">Of rank 0: to the others, by rank. Of the others: to rank 0.</param>
public sealed record TrainingTeam(int Rank, int Trainers, IReadOnlyList<ITrainingLink> Links)
{
    /// <summary>Whether this trainer makes the updates, and so has the optimizer's state, writes checkpoints and ends the stage.</summary>
    public bool IsFirst => Rank == 0;

    /// <summary>One trainer that does all shares.</summary>
    public static TrainingTeam Alone { get; } = new(0, 1, []);

    /// <summary>Neighbouring things for each of some takers: as many for each as can be, the first ones have one more.</summary>
    /// <param name="things">How many there are.</param>
    /// <param name="taker">From 0.</param>
    public static Range Part(int things, int takers, int taker)
    {
        var (each, more) = Math.DivRem(things, takers);
        var first = (taker * each) + Math.Min(taker, more);
        return first..(first + each + (taker < more ? 1 : 0));
    }
}

/// <summary>
/// A way between two trainers on which neither can send more than the other takes. Each direction is used by one caller at a time, from
/// any thread.
/// </summary>
public interface ITrainingLink : IDisposable
{
    /// <summary>Sends a message.</summary>
    /// <param name="numbers">May be changed again when the task is done.</param>
    /// <exception cref="TrainerLostException">The other end is gone.</exception>
    Task SendAsync(LinkMessage message, ReadOnlyMemory<float> numbers);

    /// <summary>Receives the next message.</summary>
    /// <param name="take">Gets the numbers, part after part.</param>
    /// <exception cref="TrainerLostException">The other end is gone.</exception>
    Task<LinkMessage> ReceiveAsync(TakeNumbers take);
}

/// <summary>Takes a part of a message's numbers.</summary>
/// <param name="offset">Place of the first one among all.</param>
public delegate void TakeNumbers(int offset, ReadOnlySpan<float> numbers);

/// <summary>What goes over a link, beside the numbers.</summary>
/// <param name="Step">Optimizer steps done when the numbers came about.</param>
/// <param name="Share">Whose gradient the numbers are, from 0; or one of the constants.</param>
public sealed record LinkMessage(int Step, int Share)
{
    /// <summary>Rank 0 to the others: the parameters.</summary>
    public const int Parameters = -1;

    /// <summary>Rank 0 to another: the step's gradient of the parameters whose moments that one keeps.</summary>
    public const int ShardGradient = -2;

    /// <summary>Another to rank 0: these parameters, updated; behind them, where rank 0 has asked for them, their moments.</summary>
    public const int ShardUpdate = -3;

    /// <summary>
    /// The sender leaves: it gives no more shares. It still does what rank 0 asks of it, until rank 0 says so too, and is answered with
    /// <see cref="Moments"/>.
    /// </summary>
    public const int Leaving = -4;

    /// <summary>Another to rank 0: the moments of the parameters that it updates, the first ones and then the second ones.</summary>
    public const int Moments = -5;

    /// <summary>With <see cref="ShardGradient"/>: whether rank 0 wants the moments too.</summary>
    public bool WithMoments { get; init; }

    /// <summary>Of a share: its micro-batches, in their order.</summary>
    public IReadOnlyList<MicroBatchFigures> MicroBatches { get; init; } = [];

    /// <summary>With the parameters: the step that made them; null where the stage is at its beginning, or at a checkpoint.</summary>
    public StepReport? Report { get; init; }
}

/// <summary>What a micro-batch adds to its step.</summary>
/// <param name="Loss">Its part of the step's loss.</param>
/// <param name="Tokens">Sequence positions.</param>
public readonly record struct MicroBatchFigures(double Loss, int Samples, int Tokens);

/// <summary>Another trainer of the team is gone: what was done since the last full step has to be done again.</summary>
public sealed class TrainerLostException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Whether it leaves as it was asked to, and nothing is wrong with it.</summary>
    public bool Leaves { get; init; }
}
