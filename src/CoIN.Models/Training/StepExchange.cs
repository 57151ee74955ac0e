using System.Runtime.InteropServices;
using CoIN.Benchmark;
using CoIN.Benchmark.Learning;
using static TorchSharp.torch;

namespace CoIN.Models.Training;

/// <summary>
/// One trainer's part in the steps of a team (synchronous data parallelism): a step's gradient is ((S₀ + S₁) + S₂) + …, where Sᵢ is the
/// gradient of share i, summed over
/// its micro-batches as one trainer sums them. Rank 0 gathers and adds, and sends the updated parameters back. Numbers are added as they
/// come in, so that rank 0 needs
/// memory for one gradient, however many shares there are.
/// </summary>
/// <param name="shares">Of a step: <c>training.world-size</c>.</param>
/// <param name="parameters">What is trained.</param>
internal sealed class StepExchange(TrainingTeam team, int shares, IReadOnlyList<Tensor> parameters) : IDisposable
{
    private readonly FlatNumbers flat = new(parameters);
    private readonly Range own = TrainingTeam.Part(shares, team.Trainers, team.Rank);

    // Rank 0: the sum, and the parameters that are on their way. Others: a gradient for each share, and the parameters that have come.
    private readonly Dictionary<int, float[]> gradients = [];
    private readonly List<MicroBatchFigures> figures = [];
    private float[]? numbers;
    private Task sent = Task.CompletedTask;
    private Task compared = Task.CompletedTask;
    private Task<LinkMessage>? received;

    /// <summary>The shares that are computed here.</summary>
    public IEnumerable<int> Own => Enumerable.Range(own.Start.Value, own.End.Value - own.Start.Value);

    /// <summary>Whether the numbers of this trainer's shares are given and the step is not over.</summary>
    public bool IsPending => received is not null;

    /// <summary>The end of what others have to do before the step can go on; null where nothing is.</summary>
    public Task? Pending => received is { IsCompleted: false } ? received : null;

    /// <summary>What is still on its way; it does not fail where nobody takes it.</summary>
    public Task? Leaving => sent.IsCompleted ? null : sent.ContinueWith(ended => _ = ended.Exception, TaskScheduler.Default);

    // Numbers in main memory that links read and write on other threads.
    private Memory<float> Numbers => numbers ??= new float[flat.Count];

    /// <summary>
    /// The stage begins, at its start or at a checkpoint: rank 0 shows its parameters to the others, which must have the same.
    /// </summary>
    /// <param name="step">Steps done.</param>
    public void Begin(int step)
    {
        if (team.IsFirst)
        {
            Spread(new LinkMessage(step, -1));
        }
        else
        {
            flat.Read(parameters, Numbers.Span);
            compared = CompareAsync(step);
        }
    }

    /// <summary>A share's micro-batches are done: takes their gradient.</summary>
    public void Give(int step, int share, IReadOnlyList<MicroBatchFigures> done)
    {
        if (!gradients.TryGetValue(team.IsFirst ? Math.Min(share, 1) : share, out var into))
        {
            gradients[team.IsFirst ? Math.Min(share, 1) : share] = into = new float[flat.Count];
        }

        flat.Read(Gradients(), into);
        if (team.IsFirst)
        {
            figures.AddRange(done);
            if (share > 0)
            {
                FlatNumbers.Add(into, gradients[0]);
            }
        }
        else
        {
            var before = sent;
            sent = SendBehind(before, team.Links[0], new LinkMessage(step, share) { MicroBatches = done }, into);
        }
    }

    /// <summary>All shares of this trainer are given: goes on to what comes from others.</summary>
    public void Close(int step) => received = team.IsFirst ? GatherAsync(step) : ReceiveAsync(step);

    /// <summary>Rank 0: waits for the shares of all, and puts their sum into the gradients.</summary>
    /// <returns>The step's micro-batches, in their order.</returns>
    public IReadOnlyList<MicroBatchFigures> Gathered()
    {
        received!.GetAwaiter().GetResult();
        received = null;
        flat.Write(gradients[0], Gradients());
        var all = figures.ToList();
        figures.Clear();
        return all;
    }

    /// <summary>Rank 0: the parameters have changed; sends them to the others.</summary>
    public void Updated(StepReport report) => Spread(new LinkMessage(report.Step, -1) { Report = report });

    /// <summary>The others: waits for the parameters and takes them over.</summary>
    public StepReport Received()
    {
        var message = received!.GetAwaiter().GetResult();
        received = null;
        flat.Write(Numbers.Span, parameters);
        return message.Report!;
    }

    public void Dispose()
    {
        foreach (var link in team.Links)
        {
            link.Dispose();
        }
    }

    private IReadOnlyList<Tensor> Gradients() => [.. parameters.Select(Torch.Gradients.Of)];

    private void Spread(LinkMessage message)
    {
        if (team.Links.Count > 0)
        {
            flat.Read(parameters, Numbers.Span);
            sent = Task.WhenAll(team.Links.Select(link => link.SendAsync(message, Numbers)));
        }
    }

    private async Task<LinkMessage> GatherAsync(int step)
    {
        var sum = gradients[0];
        for (var rank = 1; rank < team.Trainers; rank++)
        {
            var (link, part) = (team.Links[rank - 1], TrainingTeam.Part(shares, team.Trainers, rank));
            for (var share = part.Start.Value; share < part.End.Value; share++)
            {
                var message = await link.ReceiveAsync((offset, numbers) => FlatNumbers.Add(numbers, sum.AsSpan(offset, numbers.Length)))
                    .ConfigureAwait(false);
                Require(message, step, share);
                figures.AddRange(message.MicroBatches);
            }
        }

        // What was sent last is about to change.
        await sent.ConfigureAwait(false);
        return new LinkMessage(step, -1);
    }

    private async Task CompareAsync(int step)
    {
        var (own, same) = (Numbers, true);
        var first = await team.Links[0]
            .ReceiveAsync(
                (offset, part) =>
                    same &= MemoryMarshal.AsBytes(part).SequenceEqual(MemoryMarshal.AsBytes(own.Span.Slice(offset, part.Length)))
            )
            .ConfigureAwait(false);
        if (!same || first.Step != step)
        {
            throw new CoinException(
                $"The trainers of a stage begin with unlike parameters (rank 0 at step {first.Step}, rank {team.Rank} at step {step}): "
                    + "their hosts compute differently, or have other files. Give the stage trainers of one kind (training.world-size), with the same program and files."
            );
        }
    }

    private async Task<LinkMessage> ReceiveAsync(int step)
    {
        await compared.ConfigureAwait(false);
        await sent.ConfigureAwait(false);
        var into = Numbers;
        var message = await team.Links[0].ReceiveAsync((offset, part) => part.CopyTo(into.Span[offset..])).ConfigureAwait(false);
        Require(message, step + 1, -1);
        return message;
    }

    private static async Task SendBehind(Task before, ITrainingLink link, LinkMessage message, ReadOnlyMemory<float> numbers)
    {
        await before.ConfigureAwait(false);
        await link.SendAsync(message, numbers).ConfigureAwait(false);
    }

    private static void Require(LinkMessage message, int step, int share)
    {
        if ((message.Step, message.Share) != (step, share))
        {
            throw new InvalidOperationException(
                $"share {message.Share} of step {message.Step} came where share {share} of step {step} was expected"
            );
        }
    }
}
