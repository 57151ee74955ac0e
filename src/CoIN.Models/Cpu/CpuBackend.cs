using CoIN.Models.Adapters;
using CoIN.Models.Computing;
using CoIN.Models.Cpu.Kernels;
using CoIN.Models.Modules;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Cpu;

/// <summary>float32 by <see cref="CpuKernels"/>. A position's numbers are the same bits whatever is computed with it.</summary>
/// <param name="lossRows">Labelled positions whose logits exist together; null for <see cref="LossChunks.Rows"/>.</param>
internal sealed class CpuBackend(int? lossRows = null) : IBackend
{
    /// <inheritdoc/>
    public int PicturesTogether(VisionConfig tower, DeviceType device) => CpuVision.PicturesTogether(tower);

    /// <inheritdoc/>
    public Tensor Vision(VisionTransformer tower, Tensor pixels) => CpuVision.Forward(tower, pixels);

    /// <inheritdoc/>
    public Tensor Vision(GridVision tower, Tensor picture) => CpuGridVision.Forward(tower, picture);

    /// <inheritdoc/>
    public Tensor Resample(Resampler resampler, Tensor features) => CpuVision.Resample(resampler, features);

    /// <inheritdoc/>
    public Tensor Project(Projector projector, Tensor features, ScalarType dtype)
    {
        if (is_grad_enabled() && projector.Parameters.Any(parameter => parameter.requires_grad))
        {
            return projector.Forward(features, dtype);
        }

        return projector.Forward(features, dtype, (x, weight, bias) => MatrixProduct.Linear(x, weight, bias));
    }

    /// <inheritdoc/>
    public Tensor Logits(DecoderModel language, Tensor hidden)
    {
        using var scope = NewDisposeScope();
        var normalized = CpuKernels.Serve(hidden)
            ? RowKernels.RmsNorm(hidden, language.Norm, language.Config.RmsNormEps)
            : language.Normalize(hidden);
        return MatrixProduct.Linear(normalized, language.Head, null).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public (Tensor Loss, Tensor Gradient) Loss(
        DecoderModel language,
        Tensor hidden,
        Tensor targets,
        double weight,
        LogitsGradient? further = null,
        double entropy = 1,
        Tensor? factors = null
    )
    {
        var total = hidden.size(0);
        var gradient = zeros_like(hidden);
        var wanted = targets.data<long>().ToArray();
        var weighed = factors?.data<float>().ToArray();
        double loss = 0;
        foreach (var (first, count) in LossChunks.Of(total, lossRows ?? LossChunks.Rows(language.Config.VocabularySize)))
        {
            using var scope = NewDisposeScope();
            var chunk = hidden.narrow(0, first, count);
            var logits = Logits(language, chunk);
            var more = further?.Invoke(new LabelledLogits(logits, targets.narrow(0, first, count), first, total));
            loss +=
                RowGradients.CrossEntropy(
                    logits,
                    wanted.AsSpan((int)first, (int)count),
                    (float)(weight * entropy / total),
                    weighed.AsSpan(weighed is null ? 0 : (int)first, weighed is null ? 0 : (int)count)
                ) / total;
            if (more is not null)
            {
                more = factors is null ? more : more.mul(factors.narrow(0, first, count).unsqueeze(1));
                Scalars.With(weight, scalar => logits.add_(more, scalar));
            }

            var normalized = empty_like(chunk);
            PanelProduct.Run(MatrixView.Of(logits), MatrixView.Of(language.Head), MatrixView.Of(normalized), adds: false);
            RowGradients.AddRmsNorm(chunk, language.Norm, language.Config.RmsNormEps, normalized, gradient.narrow(0, first, count));
        }

        return (tensor(new[] { loss }), gradient);
    }

    /// <inheritdoc/>
    public ITrainingPass Training(IPromptedModel model, IAdapter adapter, Dropout? dropout, bool checkpointing) =>
        new KernelTrainingPass(model, this, adapter, dropout, checkpointing);

    /// <inheritdoc/>
    public IDecodingBatch Decoding(IPromptedModel model, GenerationRequest request, IAdapter? adapter) =>
        new KernelDecodingBatch(model, this, request, adapter);
}
