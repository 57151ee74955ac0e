using CoIN.Models.Kernels;
using CoIN.Models.Modules;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace CoIN.Models.Training;

/// <summary>
/// Cross entropy and its gradient at labelled positions, some positions at a time, so that logits of a whole batch never exist: 32,000 of them for each token of an answer
/// would soon be the largest tensor of all.
/// </summary>
internal static class LabelledLoss
{
    /// <summary>Logits that exist together: 32 MiB in float32. The chunk's probabilities and its gradient are as large again.</summary>
    public const long ChunkLogits = 1 << 23;

    /// <summary>Positions in a chunk.</summary>
    public static int ChunkRows(int vocabulary) => (int)Math.Max(ChunkLogits / vocabulary, 1);

    /// <summary>Computes the mean cross entropy and its gradient with respect to the hidden states; the head is frozen.</summary>
    /// <param name="hidden">[labelled, hidden size], before the final norm.</param>
    /// <param name="targets">int64 [labelled].</param>
    /// <param name="weight">Factor on the gradient.</param>
    /// <returns>The mean in nats, without the factor; the gradient, shaped as <paramref name="hidden"/>.</returns>
    public static (double Loss, Tensor Gradient) Compute(LlamaModel language, Tensor hidden, Tensor targets, double weight, int? chunkRows = null)
    {
        var rows = chunkRows ?? ChunkRows(language.Config.VocabularySize);
        var total = hidden.size(0);
        var gradient = empty_like(hidden);
        using var graph = enable_grad();
        using var detached = hidden.detach();
        double loss = 0;
        for (long first = 0; first < total; first += rows)
        {
            using var scope = NewDisposeScope();
            var count = Math.Min(rows, total - first);
            var chunk = detached.narrow(0, first, count).requires_grad_(true);
            var mean = F.cross_entropy(language.Logits(chunk), targets.narrow(0, first, count));
            var part = count / (double)total;
            loss += mean.item<float>() * part;
            var factor = part * weight;
            (factor == 1 ? mean : mean * tensor(new[] { (float)factor }, device: mean.device)).backward();
            gradient.narrow(0, first, count).copy_(chunk.grad!);
        }

        return (loss, gradient);
    }

    /// <summary>The same by <see cref="CpuKernels"/>.</summary>
    public static (double Loss, Tensor Gradient) ComputeByKernels(LlamaModel language, Tensor hidden, Tensor targets, double weight, int? chunkRows = null)
    {
        var rows = chunkRows ?? ChunkRows(language.Config.VocabularySize);
        var total = hidden.size(0);
        var gradient = zeros_like(hidden);
        var wanted = targets.data<long>().ToArray();
        double loss = 0;
        for (long first = 0; first < total; first += rows)
        {
            using var scope = NewDisposeScope();
            var count = Math.Min(rows, total - first);
            var chunk = hidden.narrow(0, first, count);
            var logits = MatrixProduct.Linear(RowKernels.RmsNorm(chunk, language.Norm, language.Config.RmsNormEps), language.Head, null);
            loss += RowGradients.CrossEntropy(logits, wanted.AsSpan((int)first, (int)count), (float)(weight / total)) / total;
            var normalized = empty_like(chunk);
            PanelProduct.Run(MatrixView.Of(logits), MatrixView.Of(language.Head), MatrixView.Of(normalized), adds: false);
            RowGradients.AddRmsNorm(chunk, language.Norm, language.Config.RmsNormEps, normalized, gradient.narrow(0, first, count));
        }

        return (loss, gradient);
    }
}
