using CoIN.Benchmark;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Models.Imaging;
using CoIN.Models.Learning;

namespace CoIN.Cli.Engine;

/// <summary>What looks at data with a model's eyes, as the commands see it.</summary>
internal interface IDataTools
{
    /// <summary>Decodes images as a run does.</summary>
    IImageInspector Inspector { get; }

    /// <summary>Shows samples as the experiment's model gets them; its weights are not loaded.</summary>
    /// <exception cref="CoinException">Something of the model's folder is missing or does not fit together.</exception>
    ISampleRenderer Renderer(ExperimentOptions options);
}

/// <summary>The eyes of the models that there are.</summary>
internal sealed class DataTools : IDataTools
{
    public IImageInspector Inspector { get; } = new ImageInspector();

    public ISampleRenderer Renderer(ExperimentOptions options) =>
        SampleRenderer.Open(options.Model, options.Data.Images, options.Evaluation.Prompt);
}
