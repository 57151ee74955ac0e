using CoIN.Models.Cpu.Kernels;
using CoIN.Models.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace CoIN.Models.Tests.Cpu.Kernels;

public sealed class MatrixProductTests : KernelTests
{
    public static TheoryData<long, long, long, bool> Shapes { get; } =
    [
        .. from rows in new long[] { 1, 5, 33, 130 }
        from inputs in new long[] { 3, 16, 80, 588, 1376 }
        from outputs in new long[] { 1, 6, 128, 203 }
        select (rows, inputs, outputs, (rows + inputs + outputs) % 2 == 0),
    ];

    [Theory]
    [MemberData(nameof(Shapes))]
    public void The_product_is_libtorchs_to_rounding(long rows, long inputs, long outputs, bool withBias)
    {
        Tensor x = Draw(rows, inputs),
            weight = Draw(outputs, inputs),
            sum = Draw(rows, outputs);
        var bias = withBias ? Draw(outputs) : null;
        var expected = F.linear(x.to(ScalarType.Float64), weight.to(ScalarType.Float64), bias?.to(ScalarType.Float64));
        Close(expected, MatrixProduct.Linear(x, weight, bias));
        Close(expected + sum, MatrixProduct.AddLinear(sum.clone(), x, weight, bias));
    }

    [Theory]
    [InlineData(40, 3000)]
    [InlineData(700, 96)]
    public void A_rows_numbers_are_the_same_bits_in_any_company(long rows, long inputs)
    {
        Tensor x = Draw(rows, inputs),
            weight = Draw(150, inputs),
            bias = Draw(150);
        var all = MatrixProduct.Linear(x, weight, bias);
        foreach (var (from, count) in new[] { (0L, 1L), (1L, 1L), (rows - 1, 1L), (3L, 7L), (0L, 33L) })
        {
            Assert.Equal(
                all.narrow(0, from, count).contiguous().bytes.ToArray(),
                MatrixProduct.Linear(x.narrow(0, from, count), weight, bias).bytes.ToArray()
            );
        }
    }

    [Fact]
    public void Views_and_further_dimensions_are_seen_as_they_are()
    {
        Tensor x = Draw(5, 2, 96).narrow(2, 8, 80),
            weight = Draw(12, 80);
        var y = MatrixProduct.Linear(x, weight, null);
        Assert.Equal([5, 2, 12], y.shape);
        Close(F.linear(x.to(ScalarType.Float64), weight.to(ScalarType.Float64)), y);
    }

    [Fact]
    public void Gradients_go_through_where_they_are_wanted()
    {
        var weight = Draw(4, 8).requires_grad_();
        MatrixProduct.Linear(ones(3, 8), weight, null).sum().backward();
        Assert.Equal(3f, weight.grad![0][0].item<float>());
        var sum = MatrixProduct.AddLinear(zeros(3, 4), ones(3, 8), weight, null);
        Assert.True(sum.requires_grad);
    }

    [Fact]
    public void Sizes_that_do_not_fit_are_refused_and_a_bias_that_is_trained_gets_its_gradient()
    {
        Assert.ThrowsAny<Exception>(() => MatrixProduct.Linear(Draw(3, 8), Draw(4, 16), null));
        Assert.ThrowsAny<Exception>(() => MatrixProduct.Linear(Draw(3, 8), Draw(4, 8), Draw(5)));
        Assert.True(MatrixProduct.Linear(Draw(3, 8), Draw(4, 8), Draw(4).requires_grad_()).requires_grad);

        // A sum whose rows lie elsewhere is added to as it is seen.
        Tensor sum = Draw(4, 3).t(),
            x = Draw(3, 8),
            weight = Draw(4, 8);
        Close(
            F.linear(x.to(ScalarType.Float64), weight.to(ScalarType.Float64)) + sum,
            MatrixProduct.AddLinear(sum.alias(), x, weight, null)
        );
    }

    [Fact]
    public void Other_types_and_empty_tensors_are_left_to_libtorch()
    {
        Assert.Equal(ScalarType.BFloat16, MatrixProduct.Linear(Draw(3, 8).bfloat16(), Draw(4, 8).bfloat16(), null).dtype);
        Assert.Equal([0, 4], MatrixProduct.Linear(zeros(0, 8), Draw(4, 8), null).shape);
    }

    [Fact]
    public void What_is_not_a_number_stays_so()
    {
        var x = ones(7, 40);
        x[2, 39] = float.NaN;
        var y = MatrixProduct.Linear(x, Draw(5, 40), null);
        Assert.Equal(5, y.isnan().sum().item<long>());
        Assert.True(y[2].isnan().all().item<bool>());
    }

    private static void Close(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        Assert.InRange((actual.to(ScalarType.Float64) - expected).abs().max().item<double>(), 0, 1e-4);
    }

    private Tensor Draw(params long[] shape) => randn(shape, generator: Generator);
}
