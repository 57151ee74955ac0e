using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace CoIN.Models.Tests.Torch;

public sealed class FrozenProductTests
{
    public static TheoryData<long, long, bool> Shapes { get; } =
    [
        .. from rows in new long[] { 1, 64, 100, 700 }
           from outputs in new long[] { 4, 48, 64, 80, 96, 192, 1000, 1376 }
           from withBias in new[] { false, true }
           select (rows, outputs, withBias),
    ];

    [Theory]
    [MemberData(nameof(Shapes))]
    public void The_faster_product_is_the_plain_one_to_rounding(long rows, long outputs, bool withBias)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var generator = new Generator(1, CPU);

        // A view, as what comes out of attention is one.
        var x = randn(rows, 2, 96, generator: generator).narrow(2, 8, 80);
        var weight = randn(outputs, 80, generator: generator);
        var bias = withBias ? randn(outputs, generator: generator) : null;
        var expected = F.linear(x.to(ScalarType.Float64), weight.to(ScalarType.Float64), bias?.to(ScalarType.Float64));
        var actual = FrozenProduct.Linear(x, weight, bias);
        Assert.Equal(expected.shape, actual.shape);
        Assert.InRange((actual.to(ScalarType.Float64) - expected).abs().max().item<double>(), 0, 1e-4);
        Assert.Equal(actual.bytes.ToArray(), FrozenProduct.Linear(x, weight, bias).bytes.ToArray());
    }

    [Fact]
    public void Numbers_in_wrong_places_are_noticed()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1, CPU);
        Tensor x = randn(70, 8, generator: generator), weight = randn(64, 8, generator: generator);
        var y = F.linear(x, weight);
        Assert.True(FrozenProduct.IsRight(y, x, weight, null));
        Assert.False(FrozenProduct.IsRight(y.t().reshape(70, 64), x, weight, null));
        Assert.False(FrozenProduct.IsRight(y, x, weight, ones(64)));
    }

    [Fact]
    public void Where_gradients_are_wanted_they_come()
    {
        using var scope = NewDisposeScope();
        var x = ones(100, 8).requires_grad_(true);
        FrozenProduct.Linear(x, ones(4, 8), null).sum().backward();
        Assert.Equal(4, x.grad!.mean().item<float>());
    }

    [Fact]
    public void The_processor_tells_its_maker() => Assert.Matches("^[ -~]{12}$", FrozenProduct.Vendor());
}
