using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Models.Adapters.Lora;
using CoIN.Models.Modules;
using static TorchSharp.torch;

namespace CoIN.Models.Adapters;

/// <summary>A kind of adapter: how it begins, and how its files are read.</summary>
internal interface IAdapterKind
{
    /// <summary>Whether a folder's adapter is of this kind.</summary>
    bool Recognizes(string folder);

    /// <summary>Opens a folder's files, as far as that says anything without the model.</summary>
    /// <exception cref="CoinException">They are missing or broken, or of another kind.</exception>
    void Check(string folder);

    /// <summary>A fresh adapter: the model answers as without it.</summary>
    IAdapter Initialize(DecoderModel language, Projector projector, LoraOptions options, Device device, long seed);

    /// <summary>Reads an adapter for a model.</summary>
    /// <exception cref="CoinException">Files are missing or broken, or the adapter does not fit the model.</exception>
    IAdapter Read(string folder, DecoderModel language, Projector projector);

    /// <summary>
    /// Reads an adapter to train it further as the options say: with the base's projector where it has none and one is to be trained.
    /// </summary>
    /// <exception cref="CoinException">As in <see cref="Read"/>, or it is not as the options say.</exception>
    IAdapter ReadToTrain(string folder, DecoderModel language, Projector projector, LoraOptions options);
}

/// <summary>The kinds that there are: a new one is one line here.</summary>
internal static class AdapterKinds
{
    private static readonly IAdapterKind Lora = new LoraKind();

    private static readonly IReadOnlyList<IAdapterKind> All = [Lora];

    /// <summary>The kind that experiments train.</summary>
    public static IAdapterKind Trained => Lora;

    /// <summary>The kind of a folder's adapter; LoRA, whose reader says what is wrong, where nobody knows it.</summary>
    public static IAdapterKind In(string folder) => All.FirstOrDefault(kind => kind.Recognizes(folder)) ?? Lora;
}
