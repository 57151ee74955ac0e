using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Models.Computing;
using CoIN.Models.Imaging;
using CoIN.Models.Sequences;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Families;

/// <summary>A kind of multimodal model: how its files are recognised, checked, read, described and written.</summary>
internal interface IModelFamily
{
    /// <summary>For people, e.g. <c>LLaVA</c>.</summary>
    string Name { get; }

    /// <summary>The conversation templates that <c>model.conversation</c> can name, the family's own first.</summary>
    IReadOnlyList<string> Conversations { get; }

    /// <summary>Whether the reference's evaluation puts questions otherwise than its training does.</summary>
    bool HasReferencePrompt => false;

    /// <summary>Whether a sample may have several pictures.</summary>
    bool SeveralPictures => false;

    /// <summary>
    /// Whether the files that a configuration names are of this family, as far as a glance tells; what is wrong with them is said by all
    /// that read them.
    /// </summary>
    bool Recognizes(ModelOptions model);

    /// <summary>Notes what of a model's files is missing or does not fit together; its weights are not loaded.</summary>
    /// <param name="warn">Receives sentences about what is unusual but not wrong.</param>
    /// <returns>
    /// The model without values, on the meta device, for checks of what is to go with it; null where the files are not whole.
    /// </returns>
    IPictureModel? Check(ModelOptions model, Problems problems, Action<string> warn);

    /// <summary>The shape, by the configuration alone.</summary>
    /// <exception cref="CoinException">A file is missing, or describes what is not supported.</exception>
    ModelShape Shape(ModelOptions model);

    /// <summary>Whether a model's weights are there, be they whole or not: a model can be planned for before they are.</summary>
    bool HasWeights(ModelOptions model) => true;

    /// <summary>Whether a model's tokenizer is there: likewise.</summary>
    bool HasTokenizer(ModelOptions model) => true;

    /// <summary>How samples become tokens, by configuration and tokenizer alone; null where there is no tokenizer yet.</summary>
    /// <exception cref="CoinException">A file is damaged, or the files do not fit together.</exception>
    IPrompts? PromptsIfThere(ModelOptions model) => Read(model).Prompts(model);

    /// <summary>What tells how many positions a picture has, for models whose pictures keep their size; null for others.</summary>
    /// <exception cref="CoinException">As for <see cref="PromptsIfThere"/>.</exception>
    IPictureProcessor? SizedPictures(ModelOptions model) => null;

    /// <summary>Reads everything but the weights and checks that it fits together.</summary>
    /// <exception cref="CoinException">A file is missing or damaged, or the files do not fit together.</exception>
    IModelSettings Read(ModelOptions model);

    /// <summary>Names the files: models of the same name are the same.</summary>
    /// <exception cref="CoinException">A folder is missing, or is not what its key is for.</exception>
    string SourceOf(ModelOptions model);

    /// <summary>Loads a model.</summary>
    /// <param name="warn">Receives a sentence about tensors that nothing uses.</param>
    /// <exception cref="CoinException">As for <see cref="Read"/>.</exception>
    LoadedModel Load(ModelOptions model, ScalarType dtype, Device device, Action<string> warn);

    /// <summary>
    /// The file of an adapter that a model's own files hold beside the base model: what is trained, or answers, begins with it where no
    /// other is named. Null where there is none.
    /// </summary>
    /// <exception cref="CoinException">A file is missing or damaged.</exception>
    string? AdapterWithin(ModelOptions model) => null;

    /// <summary>Describes a model's files; only configurations and headers are read.</summary>
    /// <returns>Lines for people.</returns>
    /// <exception cref="CoinException">A file is missing or damaged.</exception>
    IReadOnlyList<string> Inspect(ModelOptions model);

    /// <summary>Writes a model with an adapter folded in as a folder, whole or not at all.</summary>
    /// <param name="adapter">The adapter's folder.</param>
    /// <param name="output">A folder that does not exist or is empty.</param>
    /// <param name="dtype">float32, bfloat16 or float16; null for the type in which the language model is stored.</param>
    /// <param name="tell">Receives sentences about what is left out.</param>
    /// <exception cref="CoinException">A file is missing or damaged, or the adapter does not fit the model.</exception>
    void Merge(string adapter, ModelOptions model, string output, string? dtype, Action<string> tell);
}

/// <summary>Everything of a model but its weights.</summary>
internal interface IModelSettings
{
    ModelShape Shape { get; }

    IPictureProcessor Pictures { get; }

    /// <summary>How samples become tokens.</summary>
    /// <param name="maxLength">Longest sequence; null for the options' own.</param>
    /// <param name="evaluation">How questions are put.</param>
    IPrompts Prompts(ModelOptions model, int? maxLength = null, PromptKind evaluation = PromptKind.Trained);
}

/// <summary>A model on a device, with its settings.</summary>
/// <param name="Sha256">Over every file that was loaded, and the settings beside them.</param>
internal sealed record LoadedModel(IPictureModel Model, IModelSettings Settings, string Sha256);
