using CoIN.Benchmark.Experiments;
using CoIN.Models.Adapters.Lora;
using CoIN.Models.Adapters.Peft;
using CoIN.Models.Modules;
using static TorchSharp.torch;

namespace CoIN.Models.Adapters.OLora;

/// <summary>O-LoRA: written as LoRA, and every LoRA adapter is what earlier tasks have learned.</summary>
internal sealed class OLoraKind : IAdapterKind
{
    /// <inheritdoc/>
    public string Name => "O-LoRA";

    /// <summary>Its files are LoRA's.</summary>
    public bool Recognizes(string folder) => false;

    /// <inheritdoc/>
    public bool Continues(IAdapterKind files) => files.Name == AdapterKinds.Lora.Name;

    /// <inheritdoc/>
    public void Check(string folder) => AdapterKinds.Lora.Check(folder);

    /// <inheritdoc/>
    public IAdapter Initialize(DecoderModel language, Projector projector, LoraOptions options, Device device, long seed) =>
        new OLoraAdapter(LoraAdapter.Initialize(language, projector, options, device, seed), earlier: null);

    /// <inheritdoc/>
    public IAdapter Read(string folder, DecoderModel language, Projector projector) => PeftFolder.Read(folder, language, projector);

    /// <inheritdoc/>
    public IAdapter Read(string path, DecoderModel language, Projector projector, LoraOptions options) =>
        PeftFolder.Read(path, language, projector, options.Alpha);

    /// <inheritdoc/>
    public IAdapter ReadToTrain(string folder, DecoderModel language, Projector projector, LoraOptions options, long seed)
    {
        var earlier = PeftFolder.Read(folder, language, projector, options.Alpha);
        try
        {
            PeftFolder.CheckProjector(folder, earlier.Projector, options);
            PeftFolder.CheckTargets(folder, earlier, options, language);
            return OLoraAdapter.Next(earlier, language, projector, options, language.Device, seed);
        }
        catch
        {
            earlier.Dispose();
            throw;
        }
    }
}
