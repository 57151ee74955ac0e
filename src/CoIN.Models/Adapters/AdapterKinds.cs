using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Models.Adapters.Lora;
using CoIN.Models.Adapters.MoeLora;
using CoIN.Models.Modules;

namespace CoIN.Models.Adapters;

/// <summary>The kinds of adapters that files are of: a new one is one line here.</summary>
internal static class AdapterKinds
{
    /// <summary>What tells seeds of initial values from others.</summary>
    public const int Initialization = 2;

    /// <summary>What a method trains that names nothing else.</summary>
    public static IAdapterKind Lora { get; } = new LoraKind();

    private static IReadOnlyList<IAdapterKind> All { get; } = [new MoeLoraKind(), Lora];

    /// <summary>The kind of a folder's adapter; LoRA, whose reader says what is wrong, where nobody knows it.</summary>
    public static IAdapterKind In(string folder) => All.FirstOrDefault(kind => kind.Recognizes(folder)) ?? Lora;

    /// <summary>Reads an adapter to train it further, as one of a kind.</summary>
    /// <param name="trained">What the method trains.</param>
    /// <param name="stage">That trains it.</param>
    /// <exception cref="CoinException">
    /// As in <see cref="IAdapterKind.ReadToTrain"/>, or the folder's adapter is of another kind.
    /// </exception>
    public static IAdapter ReadToTrain(
        string folder,
        IAdapterKind trained,
        DecoderModel language,
        Projector projector,
        ExperimentOptions options,
        int stage
    )
    {
        var found = In(folder);
        var seed = SeededRandom.Combine(options.Seed, stage, Initialization);
        return trained.Continues(found)
            ? trained.ReadToTrain(folder, language, projector, options.Lora, seed)
            : throw new CoinException(
                $"The adapter {folder} is a {found.Name} adapter, but the method {options.Method} trains {trained.Name}. "
                    + $"Choose a method that trains {found.Name}, name a {trained.Name} adapter, or test this one as it is with method=zero-shot."
            );
    }
}
