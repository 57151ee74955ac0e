using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Files;
using CoIN.Mini.Drawing;
using CoIN.Models.Families.MiniGptV2;
using CoIN.Models.Modules;
using Newtonsoft.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Mini.Pretraining;

/// <summary>A MiniGPT-v2 as small as the miniature LLaVA, in one folder.</summary>
internal sealed class MiniGptMiniature : IMiniFamily
{
    /// <inheritdoc/>
    public string Key => "minigpt-v2";

    /// <inheritdoc/>
    public bool Recognizes(string folder) => MiniGptSource.Recognizes(new ModelOptions { Path = folder });

    /// <inheritdoc/>
    public void Initialize(string folder, int seed)
    {
        var tokenizer = MiniVocabulary.Build();
        var config = new MiniGptConfig(
            new VisionConfig(HiddenSize: 96, IntermediateSize: 384, Layers: 3, Heads: 4, Canvas.Size, LlavaMiniature.Patch, "gelu", 1e-6)
            {
                PatchBias = true,
                InputNorm = false,
            },
            LlavaMiniature.Text(tokenizer.Pieces.Count)
        );
        MiniGptInitializer.Write(folder, config, seed);
        File.WriteAllBytes(Path.Combine(folder, "tokenizer.model"), tokenizer.ToBytes());
        Durable.WriteText(Path.Combine(folder, "generation_config.json"), MiniFamilies.Generation().ToString(Formatting.Indented) + "\n");
    }

    /// <inheritdoc/>
    public MiniSubject Open(string folder, Action<string> say)
    {
        var source = MiniGptSource.Of(new ModelOptions { Path = folder, MaxLength = MiniModel.MaxLength });
        var settings = MiniGptSettings.Read(source);
        var model = MiniGptCheckpoint.Load(source, ScalarType.Float32, CPU, say);
        return new MiniSubject(
            model,
            settings.Prompts(new ModelOptions()),
            settings.Pictures.Size,
            settings.Pictures.Normalized,
            [
                .. model.Vision.Parameters(),
                model.Norm.Weight,
                model.Norm.Bias,
                .. model.Projector.Parameters,
                .. model.Language.Parameters(),
            ],
            pixels => model.Joined(model.Vision.Forward(pixels)),
            () => MiniGptCheckpoint.Named(model)
        );
    }
}
