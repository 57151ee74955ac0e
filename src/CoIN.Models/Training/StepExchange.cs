using System.Diagnostics;
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
/// <para>
/// Where the optimizer's state is sharded, rank 0 sends each of the others the sum's part whose moments that one keeps, and gathers the
/// updated parameters of these parts before it sends all of them.
/// </para>
/// </summary>
/// <param name="shares">Of a step: <c>training.world-size</c>.</param>
/// <param name="parameters">What is trained.</param>
/// <param name="sharded">Whether each trainer keeps a part of the optimizer's state.</param>
internal sealed class StepExchange(TrainingTeam team, int shares, IReadOnlyList<Tensor> parameters, bool sharded = false) : IDisposable
{
    private readonly FlatNumbers flat = new(parameters);
    private readonly IReadOnlyList<Shard> shards = Shard.Of(parameters, sharded ? team.Trainers : 1);
    private readonly Range own = TrainingTeam.Part(shares, team.Trainers, team.Rank);

    // Rank 0: the sum, and the parameters that are on their way. Others: a gradient for each share, and the parameters that have come.
    private readonly Dictionary<int, float[]> gradients = [];
    private readonly List<MicroBatchFigures> figures = [];
    private float[]? numbers;
    private Task sent = Task.CompletedTask;
    private Task compared = Task.CompletedTask;
    private Task<LinkMessage>? received;

    // Of sharded states. Rank 0: moments of the others' parts, and after which step they were so. Others: what they send of their own part.
    private float[][] moments = [];
    private int? momentsOf;
    private float[] sharding = [];

    // After which step the moments that are kept here are so; null while none was made here.
    private int? updatedTo;

    // Whether another trainer has said that it leaves: rank 0 to the others, or one of them to rank 0.
    private volatile bool leaving;

    /// <summary>The shares that are computed here.</summary>
    public IEnumerable<int> Own => Enumerable.Range(own.Start.Value, own.End.Value - own.Start.Value);

    /// <summary>Whether the numbers of this trainer's shares are given and the step is not over.</summary>
    public bool IsPending => received is not null;

    /// <summary>Whether each trainer keeps a part of the optimizer's state.</summary>
    public bool IsSharded => shards.Count > 1;

    /// <summary>
    /// Whether a part of the step's update is under way: rank 0 waits for the others' parts, or another for the gradient of its own.
    /// </summary>
    public bool IsUpdating { get; private set; }

    /// <summary>Whether another trainer of the team has said that it leaves.</summary>
    public bool IsLeft => leaving;

    /// <summary>Whether there is something to hand over: moments that rank 0 lacks.</summary>
    public bool IsDealtOut =>
        IsSharded && (IsUpdating || updatedTo is not null) && !(team.IsFirst && updatedTo is { } step && HasMoments(step));

    /// <summary>Whether this trainer updates a parameter, and so keeps its moments.</summary>
    public bool Owns(int parameter) => IsSharded ? shards[team.Rank].Contains(parameter) : team.IsFirst;

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
            Spread(new LinkMessage(step, LinkMessage.Parameters));
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
    public void Close(int step)
    {
        IsUpdating = !team.IsFirst && IsSharded;
        received =
            team.IsFirst ? GatherAsync(step)
            : IsSharded ? ReceiveShardAsync(step)
            : ReceiveAsync(step);
    }

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

    /// <summary>Rank 0, where the state is sharded: the gradients are as they are to be used; sends each trainer its part.</summary>
    /// <param name="withMoments">Whether it wants the others' moments, for a checkpoint.</param>
    public void Scatter(int step, bool withMoments)
    {
        var sum = gradients[0];
        flat.Read(Gradients(), sum);
        (IsUpdating, momentsOf) = (true, null);
        var message = new LinkMessage(step, LinkMessage.ShardGradient) { WithMoments = withMoments };
        sent = Task.WhenAll(team.Links.Select((link, i) => link.SendAsync(message, shards[i + 1].In(sum))));
        if (withMoments && moments.Length == 0)
        {
            moments = [new float[flat.Count], new float[flat.Count]];
        }

        received = GatherShardsAsync(step, withMoments);
    }

    /// <summary>Rank 0: waits for the parts that the others have updated, and takes them over.</summary>
    public void Assemble()
    {
        momentsOf = received!.GetAwaiter().GetResult().WithMoments ? received.Result.Step + 1 : null;
        (updatedTo, received, IsUpdating) = (received.Result.Step + 1, null, false);
        foreach (var shard in shards.Skip(1))
        {
            shard.Numbers.Write(shard.In(numbers!).Span, shard.Take(parameters));
        }
    }

    /// <summary>Whether rank 0 has the moments of all parts as they were after this step.</summary>
    public bool HasMoments(int step) => !IsSharded || (momentsOf == step && !IsUpdating);

    /// <summary>Rank 0: the first (0) or second (1) moments of a parameter that another updates, in main memory.</summary>
    public Tensor MomentsOf(int parameter, int which)
    {
        var shard = shards.First(one => one.Contains(parameter));
        var first = shard.First + shard.Numbers.Offset(parameter - shard.Parameters.Start.Value);
        return tensor(moments[which].AsMemory(first, (int)parameters[parameter].numel()).ToArray(), parameters[parameter].shape);
    }

    /// <summary>The others, where the state is sharded: waits for the gradient of their part, and puts it where gradients are.</summary>
    /// <returns>Whether rank 0 wants the moments too.</returns>
    public bool TakeShard()
    {
        var message = received!.GetAwaiter().GetResult();
        received = null;
        var own = shards[team.Rank];
        own.Numbers.Write(own.In(numbers!).Span, own.Take(Gradients()));
        return message.WithMoments;
    }

    /// <summary>The others: their part is updated; sends it to rank 0, and goes on to all parameters.</summary>
    /// <param name="momentsOf">Gives a parameter's moments where rank 0 wants them; null otherwise.</param>
    public void GiveShard(int step, Func<int, (Tensor First, Tensor Second)>? momentsOf)
    {
        var own = shards[team.Rank];
        IReadOnlyList<(Tensor First, Tensor Second)> kept = momentsOf is null ? [] : [.. own.Places.Select(momentsOf)];
        var (count, parts) = (own.Numbers.Count, momentsOf is null ? 1 : 3);
        if (sharding.Length < count * parts)
        {
            sharding = new float[count * parts];
        }

        own.Numbers.Read(own.Take(parameters), sharding);
        if (momentsOf is not null)
        {
            own.Numbers.Read([.. kept.Select(one => one.First)], sharding.AsSpan(count));
            own.Numbers.Read([.. kept.Select(one => one.Second)], sharding.AsSpan(2 * count));
        }

        (updatedTo, IsUpdating) = (step + 1, false);
        sent = team.Links[0].SendAsync(new LinkMessage(step, LinkMessage.ShardUpdate), sharding.AsMemory(0, count * parts));
        received = ReceiveAsync(step);
    }

    /// <summary>Rank 0: the parameters have changed; sends them to the others.</summary>
    public void Updated(StepReport report) => Spread(new LinkMessage(report.Step, LinkMessage.Parameters) { Report = report });

    /// <summary>The others: waits for the parameters and takes them over.</summary>
    public StepReport Received()
    {
        var message = received!.GetAwaiter().GetResult();
        received = null;
        flat.Write(Numbers.Span, parameters);
        return message.Report!;
    }

    /// <summary>
    /// Rank 0, which leaves: has the others send their moments. They may just be computing, and what they have sent before comes first.
    /// </summary>
    /// <returns>Whether it has them all; else <see cref="HasMoments"/> says no.</returns>
    public bool GatherMoments(TimeSpan patience)
    {
        var step = updatedTo!.Value;
        sent = SayAsync(sent, new LinkMessage(step, LinkMessage.Leaving));
        if (moments.Length == 0)
        {
            moments = [new float[flat.Count], new float[flat.Count]];
        }

        var gathered = GatherMomentsAsync(received, step);
        received = null;
        if (!Within(gathered, patience))
        {
            return false;
        }

        momentsOf = step;
        return true;
    }

    /// <summary>The others, of which one leaves: says so to rank 0, which may still have a step under way.</summary>
    public void Leave() =>
        sent = SendBehind(sent, team.Links[0], new LinkMessage(updatedTo ?? 0, LinkMessage.Leaving), ReadOnlyMemory<float>.Empty);

    /// <summary>The others: when rank 0 leaves too, sends it the moments that are kept here.</summary>
    /// <param name="momentsOf">Gives a parameter's moments.</param>
    /// <returns>Whether they were sent.</returns>
    public bool GiveMoments(Func<int, (Tensor First, Tensor Second)> momentsOf, TimeSpan patience)
    {
        var clock = Stopwatch.StartNew();
        if (updatedTo is not { } step || (!leaving && !Within(AwaitLeavingAsync(), patience)))
        {
            return false;
        }

        var own = shards[team.Rank];
        IReadOnlyList<(Tensor First, Tensor Second)> all = [.. own.Places.Select(momentsOf)];
        var numbers = new float[2 * own.Numbers.Count];
        own.Numbers.Read([.. all.Select(one => one.First)], numbers);
        own.Numbers.Read([.. all.Select(one => one.Second)], numbers.AsSpan(own.Numbers.Count));
        return Within(SendBehind(sent, team.Links[0], new LinkMessage(step, LinkMessage.Moments), numbers), patience - clock.Elapsed);
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
                RequireStays(message);
                Require(message, step, share);
                figures.AddRange(message.MicroBatches);
            }
        }

        // What was sent last is about to change.
        await sent.ConfigureAwait(false);
        return new LinkMessage(step, LinkMessage.Parameters);
    }

    private async Task<LinkMessage> GatherShardsAsync(int step, bool withMoments)
    {
        // The sum's parts are on their way, from memory that is not used before they are there.
        var into = Numbers;
        foreach (var (rank, shard) in shards.Index().Skip(1))
        {
            LinkMessage message;
            while ((message = await team.Links[rank - 1].ReceiveAsync(Take).ConfigureAwait(false)).Share == LinkMessage.Leaving)
            {
                // It ends this step before.
                leaving = true;
            }

            Require(message, step, LinkMessage.ShardUpdate);

            void Take(int offset, ReadOnlySpan<float> part)
            {
                while (part.Length > 0)
                {
                    var (what, at) = Math.DivRem(offset, shard.Numbers.Count);
                    var count = Math.Min(part.Length, shard.Numbers.Count - at);
                    part[..count].CopyTo(shard.In(what == 0 ? into : moments[what - 1]).Span[at..]);
                    offset += count;
                    part = part[count..];
                }
            }
        }

        await sent.ConfigureAwait(false);
        return new LinkMessage(step, LinkMessage.ShardUpdate) { WithMoments = withMoments };
    }

    private async Task<LinkMessage> ReceiveShardAsync(int step)
    {
        await compared.ConfigureAwait(false);
        await sent.ConfigureAwait(false);
        var into = shards[team.Rank].In(Numbers);
        var message = await team.Links[0].ReceiveAsync((offset, part) => part.CopyTo(into.Span[offset..])).ConfigureAwait(false);
        RequireStays(message);
        Require(message, step, LinkMessage.ShardGradient);
        return message;
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
        RequireStays(message);
        Require(message, step + 1, LinkMessage.Parameters);
        return message;
    }

    private async Task GatherMomentsAsync(Task<LinkMessage>? before, int step)
    {
        try
        {
            // Shares of a step that is not made.
            await (before ?? Task.FromResult(new LinkMessage(step, LinkMessage.Leaving))).ConfigureAwait(false);
        }
        catch (TrainerLostException e) when (e.Leaves)
        {
            // As this one does.
        }

        foreach (var (rank, shard) in shards.Index().Skip(1))
        {
            var (count, numbers) = (shard.Numbers.Count, new float[Math.Max(flat.Count, 2 * shard.Numbers.Count)]);
            LinkMessage message;
            do
            {
                message = await team.Links[rank - 1]
                    .ReceiveAsync((offset, part) => part.CopyTo(numbers.AsSpan(offset)))
                    .ConfigureAwait(false);
            } while (message.Share != LinkMessage.Moments);

            if (message.Step != step)
            {
                throw new TrainerLostException($"rank {rank} has moments of step {message.Step}, and not of step {step}");
            }

            numbers.AsMemory(0, count).CopyTo(shard.In(moments[0]));
            numbers.AsMemory(count, count).CopyTo(shard.In(moments[1]));
        }
    }

    private async Task AwaitLeavingAsync()
    {
        while ((await team.Links[0].ReceiveAsync((_, _) => { }).ConfigureAwait(false)).Share != LinkMessage.Leaving)
        {
            // What rank 0 had sent before.
        }
    }

    private async Task SayAsync(Task before, LinkMessage message)
    {
        await before.ConfigureAwait(false);
        await Task.WhenAll(team.Links.Select(link => link.SendAsync(message, ReadOnlyMemory<float>.Empty))).ConfigureAwait(false);
    }

    /// <summary>Blocks until something is done with others; they may be gone.</summary>
    /// <returns>Whether it was done.</returns>
    private static bool Within(Task task, TimeSpan patience)
    {
        try
        {
            return task.Wait(patience > TimeSpan.Zero ? patience : TimeSpan.Zero);
        }
        catch (AggregateException e) when (e.InnerException is TrainerLostException)
        {
            return false;
        }
    }

    private void RequireStays(LinkMessage message)
    {
        if (message.Share == LinkMessage.Leaving)
        {
            leaving = true;
            throw Left();
        }
    }

    /// <summary>What a trainer is told whose team is broken up by one that leaves.</summary>
    public static TrainerLostException Left() => new("another trainer of the stage leaves") { Leaves = true };

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

    /// <summary>
    /// The parameters that one trainer updates: neighbouring ones, whole tensors, so that each is computed as by one trainer.
    /// </summary>
    /// <param name="First">Place of the first number among those of all parameters.</param>
    private sealed record Shard(Range Parameters, int First, FlatNumbers Numbers)
    {
        public IEnumerable<int> Places => Enumerable.Range(Parameters.Start.Value, Parameters.End.Value - Parameters.Start.Value);

        /// <summary>About as many numbers for each.</summary>
        public static IReadOnlyList<Shard> Of(IReadOnlyList<Tensor> parameters, int trainers)
        {
            var counts = parameters.Select(one => one.numel()).ToList();
            var (total, before) = (Math.Max(1, counts.Sum()), 0L);
            var owners = new List<int>();
            foreach (var count in counts)
            {
                // By where its middle lies.
                owners.Add((int)Math.Min(trainers - 1, ((2 * before) + count) * trainers / (2 * total)));
                before += count;
            }

            return
            [
                .. Enumerable
                    .Range(0, trainers)
                    .Select(rank =>
                    {
                        var range = owners.Count(owner => owner < rank)..owners.Count(owner => owner <= rank);
                        return new Shard(
                            range,
                            checked((int)counts.Take(range.Start.Value).Sum()),
                            new FlatNumbers([.. parameters.Take(range)])
                        );
                    }),
            ];
        }

        public bool Contains(int parameter) => parameter >= Parameters.Start.Value && parameter < Parameters.End.Value;

        /// <summary>Its numbers among those of all.</summary>
        public Memory<float> In(Memory<float> all) => all.Slice(First, Numbers.Count);

        public IReadOnlyList<Tensor> Take(IReadOnlyList<Tensor> all) => [.. all.Take(Parameters)];
    }
}
