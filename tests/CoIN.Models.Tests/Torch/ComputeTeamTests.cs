using CoIN.Models.Cpu.Kernels;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Torch;

/// <remarks>By themselves: while other tests have the team, a caller works alone.</remarks>
[CollectionDefinition(nameof(ComputeTeamTests), DisableParallelization = true)]
[Collection(nameof(ComputeTeamTests))]
public sealed class ComputeTeamTests : IDisposable
{
    private readonly int threads = get_num_threads();

    public ComputeTeamTests() => set_num_threads(2);

    public void Dispose() => set_num_threads(threads);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(1000)]
    public void Every_piece_is_done_once(int pieces)
    {
        var done = new int[pieces];
        ComputeTeam.Run(pieces, piece => Interlocked.Increment(ref done[piece]));
        Assert.All(done, times => Assert.Equal(1, times));
    }

    [Fact]
    public void Several_callers_at_once_get_all_of_their_own()
    {
        var sums = new long[4];
        var callers = Enumerable
            .Range(0, sums.Length)
            .Select(caller => new Thread(() =>
            {
                for (var round = 0; round < 200; round++)
                {
                    ComputeTeam.Run(20, piece => Interlocked.Add(ref sums[caller], piece));
                }
            }))
            .ToList();
        callers.ForEach(caller => caller.Start());
        callers.ForEach(caller => caller.Join());
        Assert.All(sums, sum => Assert.Equal(200 * 190, sum));
    }

    [Fact]
    public void A_failure_reaches_the_caller_and_the_team_goes_on()
    {
        Assert.Throws<InvalidDataException>(() => ComputeTeam.Run(50, piece => throw new InvalidDataException($"{piece}")));
        Every_piece_is_done_once(50);
    }

    [Fact]
    public void A_product_is_the_same_bits_with_any_number_of_threads()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1, CPU);
        Tensor x = randn([70, 96], generator: generator),
            weight = randn([300, 96], generator: generator);
        var together = MatrixProduct.Linear(x, weight, null).bytes.ToArray();
        set_num_threads(1);
        Assert.Equal(together, MatrixProduct.Linear(x, weight, null).bytes.ToArray());
    }

    [Fact]
    public void Helpers_take_part()
    {
        using var both = new Barrier(2);
        var ids = new int[2];

        // Each piece waits for the other: one thread alone would never come to the end.
        ComputeTeam.Run(2, piece =>
        {
            ids[piece] = Environment.CurrentManagedThreadId;
            Assert.True(both.SignalAndWait(TimeSpan.FromSeconds(20)));
        });
        Assert.NotEqual(ids[0], ids[1]);
    }
}
