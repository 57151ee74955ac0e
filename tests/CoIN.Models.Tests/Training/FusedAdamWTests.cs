using CoIN.Models.Training;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Training;

public sealed class FusedAdamWTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Weight_decay_spares_vectors_where_it_is_to(bool spares)
    {
        using var scope = NewDisposeScope();
        var matrix = ones(2, 2).requires_grad_(true);
        var bias = ones(2).requires_grad_(true);
        (matrix.sum() + bias.sum()).backward();
        using var optimizer = new FusedAdamW([new ParameterGroup([matrix, bias], 0.5) { SparesVectors = spares }], 0.9, 0.999, 1e-8, 0.1);
        optimizer.ZeroGrad();
        optimizer.Step(1);

        // Without gradients nothing but the decay moves them.
        Assert.Equal(0.95f, matrix[0, 0].item<float>(), 6);
        Assert.Equal(spares ? 1 : 0.95f, bias[0].item<float>(), 6);
    }
}
