using CoIN.Benchmark;
using CoIN.Models.Devices;
using CoIN.Models.Torch;

namespace CoIN.Models.Tests.Torch;

public sealed class LibtorchTrialTests
{
    private const string Good = """result {"Version":null,"Computations":7,"Devices":["cpu"]}""";

    [Theory]
    [InlineData("2.10", true)]
    [InlineData("2.10.0+cu128", true)]
    [InlineData("2.11.0", false)]
    [InlineData("2.100.0", false)]
    [InlineData("2.1", false)]
    [InlineData(null, false)]
    public void Only_the_version_that_it_is_built_for_goes_untried(string? version, bool wanted) =>
        Assert.Equal(wanted, LibtorchTrial.IsWanted(version));

    [Fact]
    public void A_trial_that_ends_well_says_what_was_computed()
    {
        var result = LibtorchTrial.Judge("/torch/lib", "2.11.0", 0, ["trying autograd on cpu", Good]);
        Assert.Equal(("2.11.0", 7), (result.Version, result.Computations));
        Assert.Equal(["cpu"], result.Devices);
    }

    [Theory]
    [InlineData(139, "crashed (signal 11) (autograd on cpu)")]
    [InlineData(134, "crashed (signal 6) (autograd on cpu)")]
    [InlineData(1, "failed: the gradient is 2 where 1 is right (autograd on cpu)")]
    [InlineData(null, "did not end within 5 minutes (autograd on cpu)")]
    public void One_that_ends_otherwise_is_refused_with_where_it_was(int? status, string told)
    {
        var fault = Assert.Throws<CoinException>(() =>
            LibtorchTrial.Judge(
                "/torch/lib",
                "2.14.1",
                status,
                ["trying loading weights on cpu", "trying autograd on cpu", "the gradient is 2 where 1 is right"]
            )
        );
        Assert.Contains(told, fault.Message, StringComparison.Ordinal);
        Assert.Contains("/torch/lib is 2.14.1; this program is built for 2.10", fault.Message, StringComparison.Ordinal);
        Assert.Contains("pip install torch==2.10.*", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_end_without_a_result_is_no_good_end() =>
        Assert.Throws<CoinException>(() => LibtorchTrial.Judge("/torch/lib", null, 0, ["trying autograd on cpu"]));

    [Fact]
    public void This_libtorch_computes_what_plain_loops_do()
    {
        var steps = new List<string>();
        var result = LibtorchComputations.Run(steps.Add);
        Assert.Equal(steps.Count, result.Computations);
        Assert.Contains("the optimizer on cpu", steps);
    }
}
