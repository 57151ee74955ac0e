using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Models.Adapters.Peft;
using CoIN.Models.Modules;
using static TorchSharp.torch;

namespace CoIN.Models.Adapters.MoeLora;

/// <summary>MoELoRA, in the files of CoIN's own PEFT.</summary>
/// <param name="experts">Of adapters that are trained; null to read one as it is.</param>
internal sealed class MoeLoraKind(int? experts = null) : IAdapterKind
{
    /// <inheritdoc/>
    public string Name => "MoELoRA";

    /// <inheritdoc/>
    public bool Recognizes(string folder) => PeftConfig.TypeOf(folder) == PeftConfig.MoeLora;

    /// <inheritdoc/>
    public void Check(string folder) => PeftWeights.Open(folder).Dispose();

    /// <inheritdoc/>
    public IAdapter Initialize(DecoderModel language, Projector projector, LoraOptions options, Device device, long seed) =>
        MoeLoraAdapter.Initialize(language, projector, options, Trained(options), device, seed);

    /// <inheritdoc/>
    public IAdapter Read(string folder, DecoderModel language, Projector projector) => MoeLoraFolder.Read(folder, language, projector);

    /// <inheritdoc/>
    public IAdapter ReadToTrain(string folder, DecoderModel language, Projector projector, LoraOptions options, long seed) =>
        MoeLoraFolder.ReadToTrain(folder, language, projector, options, Trained(options));

    private int Trained(LoraOptions options)
    {
        var number = experts ?? throw new InvalidOperationException("The number of experts is not known.");
        return options.Rank % number == 0
            ? number
            : throw new CoinException(
                $"coin.moelora.experts is {number}, which does not divide coin.lora.rank {options.Rank}: "
                    + "all experts have the same rank. Change one of them."
            );
    }
}
