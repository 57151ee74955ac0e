using System.Runtime.Intrinsics;
using CoIN.Models.Cpu.Kernels;
using CoIN.Models.Modules;
using CoIN.Models.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace CoIN.Models.Tests.Cpu.Kernels;

public sealed class RowKernelsTests : KernelTests
{
    [Theory]
    [InlineData(1, 5)]
    [InlineData(700, 16)]
    [InlineData(70, 1000)]
    public void Rows_are_what_libtorch_makes_of_them(long rows, long size)
    {
        Tensor x = randn([rows, size], generator: Generator) * 3 + 1,
            weight = randn([size], generator: Generator),
            bias = randn([size], generator: Generator);
        Close(RmsNorm.Forward(x, weight, 1e-5), RowKernels.RmsNorm(x, weight, 1e-5));
        Close(F.layer_norm(x, [size], weight, bias, 1e-5), RowKernels.LayerNorm(x, weight, bias, 1e-5));

        var both = cat([x, x.flip(1)], 1);
        Close(F.silu(x) * x.flip(1), RowKernels.SwiGlu(both));
        var gelu = x.clone();
        RowKernels.QuickGelu(gelu);
        Close(x * sigmoid(x * 1.702), gelu);
    }

    [Fact]
    public void The_exponential_is_right_to_the_last_places()
    {
        for (var x = -87f; x < 88; x += 0.0371f)
        {
            double expected = Math.Exp(x),
                actual = Exponential.Of(Vector512.Create(x))[7];
            Assert.InRange(Math.Abs(actual - expected) / expected, 0, 2e-7);
        }
    }

    [Theory]
    [InlineData(float.NegativeInfinity, 0)]
    [InlineData(-200, 0)]
    [InlineData(0, 1)]
    [InlineData(200, float.PositiveInfinity)]
    [InlineData(float.PositiveInfinity, float.PositiveInfinity)]
    [InlineData(float.NaN, float.NaN)]
    public void The_exponential_of_extremes(float x, float expected) => Assert.Equal(expected, Exponential.Of(Vector512.Create(x))[0]);

    [Fact]
    public void Large_numbers_do_not_overflow_where_the_result_does_not()
    {
        var x = tensor(new[] { -1000f, 1000f, 1f, 1f }, [1, 4]);
        Assert.Equal([0f, 1000f], RowKernels.SwiGlu(x).data<float>().Select(value => value + 0f));
        var gelu = tensor(new[] { -1000f, 1000f });
        RowKernels.QuickGelu(gelu);
        Assert.Equal([0f, 1000f], gelu.data<float>().Select(value => value + 0f));
    }

    private static void Close(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        Assert.InRange((actual - expected).abs().max().item<float>(), 0, 2e-5f);
    }
}
