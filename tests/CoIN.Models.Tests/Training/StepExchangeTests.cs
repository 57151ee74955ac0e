using CoIN.Benchmark;
using CoIN.Benchmark.Learning;
using CoIN.Models.Torch;
using CoIN.Models.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Training;

/// <summary>
/// Steps of teams whose gradients are given: the sum is one of float32 numbers in the order of the shares, whoever computes them.
/// </summary>
public sealed class StepExchangeTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();

    public void Dispose() => scope.Dispose();

    public static TheoryData<int, int> Teams =>
        new(from shares in Enumerable.Range(1, 5) from trainers in Enumerable.Range(1, shares) select (shares, trainers));

    [Theory]
    [MemberData(nameof(Teams))]
    public void Gradients_are_added_in_the_shares_order_by_however_many_trainers(int shares, int trainers)
    {
        using var team = new Team(shares, trainers);
        for (var step = 0; step < 3; step++)
        {
            var given = Enumerable.Range(0, shares).Select(share => Gradient(share, step)).ToList();
            var figures = team.Step(step, given);
            Assert.Equal(Enumerable.Range(0, shares).Select(share => new MicroBatchFigures(share, step, 1)), figures);

            // Another order gives other numbers.
            var sum = given.Skip(1).Aggregate(given[0], (left, right) => [.. left.Zip(right, (one, other) => one + other)]);
            Assert.Equal(sum, team.Sum());
            Assert.All(team.Parameters(), parameters => Assert.Equal(team.Parameters()[0], parameters));
            if (shares > 2)
            {
                Assert.NotEqual(
                    Enumerable.Reverse(given).Aggregate((left, right) => [.. left.Zip(right, (one, other) => one + other)]),
                    sum
                );
            }
        }
    }

    [Theory]
    [InlineData(4, 2, new[] { 2, 2 })]
    [InlineData(5, 3, new[] { 2, 2, 1 })]
    [InlineData(3, 3, new[] { 1, 1, 1 })]
    public void Parts_are_neighbouring_and_as_even_as_can_be(int things, int takers, int[] sizes)
    {
        var parts = Enumerable.Range(0, takers).Select(taker => TrainingTeam.Part(things, takers, taker)).ToList();
        Assert.Equal(sizes, parts.Select(part => part.End.Value - part.Start.Value));
        Assert.Equal(Enumerable.Range(0, things), parts.SelectMany(part => Enumerable.Range(0, things).Take(part)));
    }

    [Fact]
    public void Trainers_that_begin_with_unlike_parameters_are_refused()
    {
        using var team = new Team(2, 2);
        using (no_grad())
        {
            team.Members[1].Parameters[0].add_(Scalars.Of(1e-6));
        }

        team.Begin();
        team.Members[1].Exchange.Give(0, 1, []);
        team.Members[1].Exchange.Close(0);
        Assert.Contains(
            "unlike parameters",
            Assert.Throws<CoinException>(() => team.Members[1].Exchange.Received()).Message,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [MemberData(nameof(Teams))]
    public void Each_parameter_is_updated_by_one_trainer(int shares, int trainers)
    {
        using var whole = new Team(shares, trainers);
        using var sharded = new Team(shares, trainers, sharded: true);
        Assert.All(whole.Members.Index(), one =>
            Assert.All(Enumerable.Range(0, 3), i => Assert.Equal(one.Index == 0, one.Item.Exchange.Owns(i)))
        );
        Assert.All(Enumerable.Range(0, 3), i => Assert.Single(sharded.Members, one => one.Exchange.Owns(i)));

        // 50, 72 and 9 numbers.
        Assert.Equal(trainers > 1 ? 1 : 3, Enumerable.Range(0, 3).Count(sharded.Members[0].Exchange.Owns));
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 0)]
    public async Task A_trainer_that_is_gone_is_noticed_by_the_others(int gone, int left)
    {
        using var team = new Team(2, 2);
        team.Begin();
        var exchange = team.Members[left].Exchange;
        exchange.Give(0, left, []);
        exchange.Close(0);
        Assert.True(exchange.IsPending);
        team.Members[gone].Exchange.Dispose();
        await Assert.ThrowsAsync<TrainerLostException>(() => exchange.Pending ?? throw new TrainerLostException("noticed"));
        Assert.Throws<TrainerLostException>(() => left == 0 ? (object)exchange.Gathered() : exchange.Received());
    }

    /// <summary>Numbers of unlike sizes, more of them than a vector has: their sum depends on the order.</summary>
    private static float[] Gradient(int share, int step)
    {
        var random = new SeededRandom(SeededRandom.Combine(share, step));
        return [.. Enumerable.Range(0, 131).Select(i => (float)((random.Next(2001) - 1000) * Math.Pow(10, random.Next(7) - 3)))];
    }

    private sealed record Member(StepExchange Exchange, IReadOnlyList<Tensor> Parameters, IReadOnlyList<int> Shares);

    private sealed class Team : IDisposable
    {
        private bool begun;

        public Team(int shares, int trainers, bool sharded = false)
        {
            var links = Enumerable.Range(1, trainers - 1).Select(_ => LocalLink.Pair()).ToList();
            for (var rank = 0; rank < trainers; rank++)
            {
                // A matrix, one whose memory is not in order, and a vector.
                List<Tensor> parameters = [ones(10, 5), ones(9, 8).t(), ones(9)];
                parameters.ForEach(one => one.requires_grad_(true));
                var exchange = new StepExchange(
                    new TrainingTeam(rank, trainers, rank == 0 ? [.. links.Select(link => link.First)] : [links[rank - 1].Second]),
                    shares,
                    parameters,
                    sharded
                );
                Members.Add(new Member(exchange, parameters, [.. exchange.Own]));
            }
        }

        public List<Member> Members { get; } = [];

        public void Begin() => Members.ForEach(member => member.Exchange.Begin(0));

        /// <summary>A step: the last rank comes first, and the update adds the gradient to the parameters.</summary>
        public IReadOnlyList<MicroBatchFigures> Step(int step, IReadOnlyList<float[]> gradients)
        {
            if (!begun)
            {
                begun = true;
                Begin();
            }

            foreach (var member in Enumerable.Reverse(Members))
            {
                foreach (var share in member.Shares)
                {
                    new FlatNumbers(member.Parameters).Write(gradients[share], [.. member.Parameters.Select(Gradients.Of)]);
                    member.Exchange.Give(step, share, [new MicroBatchFigures(share, step, 1)]);
                }

                member.Exchange.Close(step);
            }

            var figures = Members[0].Exchange.Gathered();
            using (no_grad())
            {
                foreach (var parameter in Members[0].Parameters)
                {
                    parameter.add_(Gradients.Of(parameter));
                }
            }

            Members[0].Exchange.Updated(new StepReport(step + 1, 0.5, 0.1, 1, 1, 1));
            foreach (var member in Members.Skip(1))
            {
                Assert.Equal(step + 1, member.Exchange.Received().Step);
            }

            return figures;
        }

        public float[] Sum() => Read(Members[0], [.. Members[0].Parameters.Select(Gradients.Of)]);

        public List<float[]> Parameters() => [.. Members.Select(member => Read(member, member.Parameters))];

        public void Dispose() => Members.ForEach(member => member.Exchange.Dispose());

        private static float[] Read(Member member, IReadOnlyList<Tensor> tensors)
        {
            var flat = new FlatNumbers(member.Parameters);
            var numbers = new float[flat.Count];
            flat.Read(tensors, numbers);
            return numbers;
        }
    }
}
