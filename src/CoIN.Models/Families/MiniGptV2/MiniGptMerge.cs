using CoIN.Models.Adapters.Peft;
using CoIN.Models.Checkpoints;
using CoIN.Models.Modules;
using CoIN.Models.Settings;
using CoIN.Models.Torch;
using Newtonsoft.Json.Linq;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Families.MiniGptV2;

/// <summary>Merges into one folder, whatever parts the model came in.</summary>
internal sealed class MiniGptMerge(MiniGptCheckpoint model, DecoderModel shapes) : AdapterMerge
{
    /// <summary>What lies beside the language model's weights and is copied where it is there.</summary>
    private static readonly string[] LanguageSettings =
    [
        "tokenizer.model",
        "tokenizer.json",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "added_tokens.json",
        "generation_config.json",
    ];

    /// <inheritdoc/>
    protected override IEnumerable<CheckpointFolder> Parts => model.Parts;

    /// <inheritdoc/>
    protected override CheckpointFolder Language => model.LanguageFiles;

    /// <inheritdoc/>
    protected override string Layers => $"{model.LanguagePrefix}layers.";

    /// <inheritdoc/>
    protected override DecoderModel Shapes => shapes;

    /// <inheritdoc/>
    protected override string Typical => $"{model.LanguagePrefix}embed_tokens.weight";

    /// <summary>Merges an adapter into a model and writes the merged folder.</summary>
    /// <param name="path">The adapter: a folder, or a stage's file.</param>
    /// <inheritdoc cref="AdapterMerge.Write"/>
    public static void Write(string path, MiniGptSource source, string output, string? dtype, Action<string> tell)
    {
        using var checkpoint = MiniGptCheckpoint.Open(source);
        using var built = checkpoint.Build(ScalarType.Float32, new Device(DeviceType.META));
        new MiniGptMerge(checkpoint, built.Language).Write(path, output, dtype, tell);
    }

    /// <inheritdoc/>
    protected override void FinishUsed(Action<string> tell) => model.FinishUsed(tell);

    /// <inheritdoc/>
    protected override string? Target(CheckpointFolder part, string name) => model.WholeName(part, name);

    /// <inheritdoc/>
    protected override void TakeProjector(PeftWeights adapter) =>
        adapter.TakeProjector(MiniGptCheckpoint.Form, model.Config.ProjectorSizes, CPU, bias: true)?.Dispose();

    /// <inheritdoc/>
    protected override Tensor? Trained(PeftWeights adapter, CheckpointFolder part, string name)
    {
        if (
            part != model.StageFiles
            || adapter.Projector is null
            || MiniGptCheckpoint.Form.In(adapter.Projector) is not [var trained]
            || !adapter.Projector.Has($"{trained}.weight")
        )
        {
            return null;
        }

        var own = MiniGptCheckpoint.Form.In(part)[0];
        return name.StartsWith($"{own}.", StringComparison.Ordinal) ? adapter.Projector.Read(trained + name[own.Length..]) : null;
    }

    /// <inheritdoc/>
    protected override IEnumerable<(string Name, PendingTensor Tensor)> Further(ScalarType dtype)
    {
        if (model.NormFiles is null)
        {
            long size = model.Config.Vision.HiddenSize;
            yield return ($"{MiniGptCheckpoint.NormName}.weight", new PendingTensor(new(dtype, [size]), () => ones(size, dtype)));
            yield return ($"{MiniGptCheckpoint.NormName}.bias", new PendingTensor(new(dtype, [size]), () => zeros(size, dtype)));
        }
    }

    /// <inheritdoc/>
    protected override void WriteBeside(string folder, ScalarType dtype)
    {
        MiniGptInitializer.WriteConfig(folder, model.Config, TorchNames.Of(dtype), Rope());
        Copy(LanguageSettings.Select(file => Path.Combine(model.Source.Language, file)), folder);
    }

    /// <summary>The rotary embedding in the language model's own words.</summary>
    private IEnumerable<JProperty> Rope()
    {
        var config = SettingsFile.Json(Path.Combine(model.Source.Language, "config.json"));
        return
        [
            .. (model.Source.Whole ? (JObject)config["text_config"]! : config)
                .Properties()
                .Where(property => RopeSettings.Keys.Contains(property.Name)),
        ];
    }
}
