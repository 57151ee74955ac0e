using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Files;
using CoIN.Models.Adapters.Peft;
using CoIN.Models.Checkpoints;
using CoIN.Models.Imaging;
using CoIN.Models.Modules;
using CoIN.Models.Sequences;
using CoIN.Models.Settings;
using CoIN.Models.Tokenization;
using CoIN.Models.Torch;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Families.Llava;

/// <summary>Merges into a folder of the hub's layout, whatever parts the model came in.</summary>
internal sealed class LlavaMerge : AdapterMerge
{
    /// <summary>What lies beside the weights and is copied where it is there.</summary>
    private static readonly string[] LanguageSettings =
    [
        "tokenizer.model",
        "tokenizer.json",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "added_tokens.json",
        "generation_config.json",
        "chat_template.json",
        "chat_template.jinja",
        "processor_config.json",
    ];

    private readonly LlavaCheckpoint model;
    private readonly ImageSettings images;

    // The id that stands for pictures in the merged model, and the rows of embeddings and head: one for it at least, as the hub rounds up.
    private readonly int placeholder;
    private readonly int vocabulary;

    private LlavaMerge(LlavaCheckpoint model, DecoderModel shapes, ImageSettings images)
    {
        (this.model, Shapes, this.images) = (model, shapes, images);
        var tokenizer = LlamaTokenizers.Load(model.Source.Language);
        placeholder = tokenizer.AddedId(PromptBuilder.ImageTag) ?? tokenizer.PieceCount;
        var rows = model.Config.Text.VocabularySize;
        vocabulary = rows > placeholder ? rows : (rows / 64 * 64) + 64;
    }

    /// <inheritdoc/>
    protected override IEnumerable<CheckpointFolder> Parts => model.Parts;

    /// <inheritdoc/>
    protected override CheckpointFolder Language => model.Language;

    /// <inheritdoc/>
    protected override string Layers => $"{model.LanguagePrefix}layers.";

    /// <inheritdoc/>
    protected override DecoderModel Shapes { get; }

    /// <inheritdoc/>
    protected override string Typical => $"{model.LanguagePrefix}embed_tokens.weight";

    /// <summary>Merges an adapter into a model and writes the merged folder.</summary>
    /// <param name="folder">The adapter.</param>
    /// <inheritdoc cref="AdapterMerge.Write"/>
    public static void Write(string folder, ModelOptions model, string output, string? dtype, Action<string> tell)
    {
        var source = LlavaSource.Of(model) with { Longest = 0 };
        using var checkpoint = LlavaCheckpoint.Open(source);
        using var built = checkpoint.Build(ScalarType.Float32, new Device(DeviceType.META));
        new LlavaMerge(checkpoint, built.Language, LlavaSettings.Images(source, checkpoint.Config, tell)).Write(
            folder,
            output,
            dtype,
            tell
        );
    }

    /// <inheritdoc/>
    protected override void FinishUsed(Action<string> tell) => model.FinishUsed(tell);

    /// <inheritdoc/>
    protected override string? Target(CheckpointFolder part, string name) =>
        model.Source.Layout == LlavaLayout.Hub ? name : model.HubName(part, name);

    /// <inheritdoc/>
    protected override void TakeProjector(PeftWeights adapter) =>
        adapter.TakeProjector(ProjectorForm.Llava, model.Config.ProjectorSizes, CPU, model.Config.ProjectorBias)?.Dispose();

    /// <inheritdoc/>
    protected override Tensor? Trained(PeftWeights adapter, CheckpointFolder part, string name)
    {
        if (part != model.Projector || adapter.Projector is null)
        {
            return null;
        }

        foreach (var (from, to) in model.ProjectorNames.Zip(ProjectorForm.Llava.In(adapter.Projector)))
        {
            if (name.StartsWith($"{from}.", StringComparison.Ordinal))
            {
                return adapter.Projector.Read(to + name[from.Length..]);
            }
        }

        return null;
    }

    /// <inheritdoc/>
    /// <remarks>
    /// The hub's LLaVA stands for pictures by a token id of its own, for which a language model by itself has no row of embeddings and
    /// head.
    /// </remarks>
    protected override long? Rows(CheckpointFolder part, string name) =>
        model.Source.Layout != LlavaLayout.Hub
        && part == model.Language
        && (name == $"{model.LanguagePrefix}embed_tokens.weight" || name == model.Head)
            ? vocabulary
            : null;

    /// <inheritdoc/>
    protected override void WriteBeside(string folder, ScalarType dtype)
    {
        if (model.Source.Layout == LlavaLayout.Hub)
        {
            var json = SettingsFile.Json(Path.Combine(model.Source.Language, "config.json"));
            SayDtype(json, dtype);
            Durable.WriteText(Path.Combine(folder, "config.json"), json.ToString(Formatting.Indented) + "\n");
        }
        else
        {
            var config = model.Config with { Text = model.Config.Text with { VocabularySize = vocabulary } };
            LlavaInitializer.WriteConfig(folder, config, placeholder, TorchNames.Of(dtype), Rope());
        }

        var pictures = ImageSettings.FilesOf(model.Source.VisionTower);
        if (pictures.Count == 0)
        {
            Durable.WriteText(Path.Combine(folder, "preprocessor_config.json"), images.ToJson());
        }

        Copy(LanguageSettings.Select(file => Path.Combine(model.Source.Language, file)).Concat(pictures).Distinct(), folder);
    }

    /// <summary>The rotary embedding in the language model's own words.</summary>
    private IEnumerable<JProperty> Rope() =>
        SettingsFile
            .Json(Path.Combine(model.Source.Language, "config.json"))
            .Properties()
            .Where(property => RopeSettings.Keys.Contains(property.Name));
}
