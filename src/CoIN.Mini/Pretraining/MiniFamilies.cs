using CoIN.Benchmark;
using CoIN.Models.Computing;
using CoIN.Models.Imaging;
using CoIN.Models.Sequences;
using Newtonsoft.Json.Linq;
using static TorchSharp.torch;

namespace CoIN.Mini.Pretraining;

/// <summary>A family of models of which there is a miniature.</summary>
internal interface IMiniFamily
{
    /// <summary>What <c>--family</c> calls it.</summary>
    string Key { get; }

    /// <summary>The file of its tokenizer, and what stands there.</summary>
    (string File, byte[] Content) Vocabulary => ("tokenizer.model", MiniVocabulary.Build().ToBytes());

    /// <summary>Whether a folder holds one.</summary>
    bool Recognizes(string folder);

    /// <summary>Writes an untrained model into a folder: configuration, tokenizer, random weights.</summary>
    void Initialize(string folder, int seed);

    /// <summary>Opens a model to train all of its weights.</summary>
    MiniSubject Open(string folder, Action<string> say);
}

/// <summary>A miniature model of which all weights are trained.</summary>
/// <param name="Prompts">How questions and answers become tokens, and pictures their places.</param>
/// <param name="ImageSize">Pixels of a side.</param>
/// <param name="Pixels">A picture to normalized pixels [3, size, size].</param>
/// <param name="Parameters">What is trained.</param>
/// <param name="Look">Features of pictures, with the modules' own graph.</param>
/// <param name="Named">Every weight by its name in the model's folder.</param>
internal sealed record MiniSubject(
    IPictureModel Model,
    IPrompts Prompts,
    int ImageSize,
    Func<RgbImage, float[]> Pixels,
    IReadOnlyList<Tensor> Parameters,
    Func<Tensor, Tensor> Look,
    Func<IEnumerable<(string Name, Tensor Tensor)>> Named
);

/// <summary>The families: a new one is one line here.</summary>
internal static class MiniFamilies
{
    /// <summary>The usual one first.</summary>
    public static IReadOnlyList<IMiniFamily> All { get; } =
    [new LlavaMiniature(), new MiniGptMiniature(), new QwenVlMiniature(), new Qwen25VlMiniature()];

    /// <exception cref="CoinException">There is none of that name.</exception>
    public static IMiniFamily Of(string? key) =>
        key is null
            ? All[0]
            : All.FirstOrDefault(family => family.Key == key)
                ?? throw new CoinException(
                    $"There is no miniature of the family {key}; there are {string.Join(", ", All.Select(family => family.Key))}."
                );

    /// <summary>What stands in a folder's <c>generation_config.json</c>.</summary>
    public static JObject Generation() => new() { ["bos_token_id"] = 1, ["eos_token_id"] = 2 };
}
