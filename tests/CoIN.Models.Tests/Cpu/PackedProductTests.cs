using CoIN.Models.Checkpoints;
using CoIN.Models.Cpu;
using CoIN.Models.Cpu.Kernels;
using CoIN.Models.Modules;
using CoIN.Models.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Cpu;

/// <summary>Products with weights in four bits: the bits of the same weights dequantized as a whole.</summary>
public sealed class PackedProductTests : KernelTests
{
    private readonly TemporaryFolder folder = new();

    public override void Dispose()
    {
        folder.Dispose();
        base.Dispose();
    }

    /// <remarks>Rows of one panel and of several, few and many rows of x, blocks that end within rows.</remarks>
    [Theory]
    [InlineData(1, 64, 144, 40, true)]
    [InlineData(3, 80, 640, 600, false)]
    [InlineData(70, 64, 300, 1100, true)]
    [InlineData(33, 50, 30, 20, false)]
    public void Forward_and_backward_are_those_of_the_whole_weight(int rows, int inputs, int first, int second, bool bias)
    {
        var linear = Packed(inputs, first, second, bias);
        using var opened = linear.Open();
        var (x, gradient) = (randn([rows, inputs], generator: Generator), randn([rows, first + second], generator: Generator));
        var sum = randn([rows, first + second], generator: Generator);
        Equal(MatrixProduct.Linear(x, opened.Weight, linear.Bias), CpuLinear.Apply(linear, x));
        Equal(MatrixProduct.AddLinear(sum.clone(), x, opened.Weight, linear.Bias), CpuLinear.Add(linear, sum.clone(), x));
        var (whole, panels) = (empty_like(x), empty_like(x));
        PanelProduct.Run(MatrixView.Of(gradient), MatrixView.Of(opened.Weight), MatrixView.Of(whole), adds: false);
        PackedProduct.Backward(linear, gradient, panels);
        Assert.InRange((whole - panels).abs().max().item<float>(), 0, inputs % CpuKernels.Width == 0 ? 0 : 1e-4);
        Equal(gradient.mm(opened.Weight), linear.Backward(gradient));
        Assert.InRange((nn.functional.linear(x, opened.Weight, linear.Bias) - linear.Forward(x)).abs().max().item<float>(), 0, 0);
    }

    private static void Equal(Tensor a, Tensor b) => Assert.Equal(a.data<float>().ToArray(), b.data<float>().ToArray());

    private Linear Packed(int inputs, int first, int second, bool bias)
    {
        var tensors = new Dictionary<string, Tensor>
        {
            ["a.weight"] = randn([first, inputs], generator: Generator),
            ["b.weight"] = randn([second, inputs], generator: Generator),
        };
        if (bias)
        {
            (tensors["a.bias"], tensors["b.bias"]) = (randn([first], generator: Generator), randn([second], generator: Generator));
        }

        SafetensorsWriter.Write(folder.Of("model.safetensors"), tensors);
        using var checkpoint = CheckpointFolder.Open(folder.Path);
        return Linear.Take(
            checkpoint,
            "",
            inputs,
            bias,
            ScalarType.Float32,
            CPU,
            new Nf4Settings(),
            new LinearPart("a", first),
            new LinearPart("b", second)
        );
    }
}
