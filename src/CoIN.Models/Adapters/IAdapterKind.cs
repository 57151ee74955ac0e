using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Models.Modules;
using static TorchSharp.torch;

namespace CoIN.Models.Adapters;

/// <summary>A kind of adapter: how it begins, and how its files are read.</summary>
internal interface IAdapterKind
{
    /// <summary>For people, e.g. <c>LoRA</c>.</summary>
    string Name { get; }

    /// <summary>Whether a folder's adapter is of this kind.</summary>
    bool Recognizes(string folder);

    /// <summary>
    /// Whether adapters whose files are of another kind can be trained further as this one; each kind continues its own. A kind that has
    /// no files of its own names those that it is written as.
    /// </summary>
    bool Continues(IAdapterKind files) => files.Name == Name;

    /// <summary>Opens a folder's files, as far as that says anything without the model.</summary>
    /// <exception cref="CoinException">They are missing or broken, or of another kind.</exception>
    void Check(string folder);

    /// <summary>A fresh adapter: the model answers as without it.</summary>
    IAdapter Initialize(DecoderModel language, Projector projector, LoraOptions options, Device device, long seed);

    /// <summary>Reads an adapter for a model.</summary>
    /// <exception cref="CoinException">Files are missing or broken, or the adapter does not fit the model.</exception>
    IAdapter Read(string folder, DecoderModel language, Projector projector);

    /// <summary>As <see cref="Read(string, DecoderModel, Projector)"/>, also of files that leave something to the options.</summary>
    /// <param name="options">Give α where the files do not say it.</param>
    IAdapter Read(string path, DecoderModel language, Projector projector, LoraOptions options) => Read(path, language, projector);

    /// <summary>
    /// Reads an adapter to train it further as the options say: with the base's projector where it has none and one is to be trained.
    /// <see cref="AdapterKinds.ReadToTrain"/> has seen that this kind continues it.
    /// </summary>
    /// <param name="seed">Of what is added to it and begins at random.</param>
    /// <exception cref="CoinException">As in <see cref="Read"/>, or it is not as the options say.</exception>
    IAdapter ReadToTrain(string folder, DecoderModel language, Projector projector, LoraOptions options, long seed);
}
