using CoIN.Benchmark.Experiments;
using CoIN.Models.Adapters.Peft;
using CoIN.Models.Modules;
using static TorchSharp.torch;

namespace CoIN.Models.Adapters.Lora;

/// <summary>LoRA, in PEFT's files.</summary>
internal sealed class LoraKind : IAdapterKind
{
    /// <inheritdoc/>
    public string Name => "LoRA";

    /// <inheritdoc/>
    /// <remarks>A file is a stage's trained tensors, with LoRA among them.</remarks>
    public bool Recognizes(string folder) =>
        File.Exists(folder) || (PeftWeights.IsAdapter(folder) && PeftConfig.TypeOf(folder) != PeftConfig.MoeLora);

    /// <inheritdoc/>
    public void Check(string folder) => PeftWeights.Open(folder, alpha: 1).Dispose();

    /// <inheritdoc/>
    public IAdapter Initialize(DecoderModel language, Projector projector, LoraOptions options, Device device, long seed) =>
        LoraAdapter.Initialize(language, projector, options, device, seed);

    /// <inheritdoc/>
    public IAdapter Read(string folder, DecoderModel language, Projector projector) => PeftFolder.Read(folder, language, projector);

    /// <inheritdoc/>
    public IAdapter Read(string path, DecoderModel language, Projector projector, LoraOptions options) =>
        PeftFolder.Read(path, language, projector, options.Alpha);

    /// <inheritdoc/>
    public IAdapter ReadToTrain(string folder, DecoderModel language, Projector projector, LoraOptions options, long seed) =>
        PeftFolder.ReadToTrain(folder, language, projector, options);
}
