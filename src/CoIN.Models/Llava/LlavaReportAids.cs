using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Reports;
using CoIN.Benchmark.Reports.Examples;
using CoIN.Models.Imaging;

namespace CoIN.Models.Llava;

/// <summary>Pictures for reports, and the shape of LLaVA models.</summary>
public sealed class LlavaReportAids : IReportAids
{
    /// <inheritdoc/>
    public Thumbnail? Thumbnail(string path, int longestSide) => Thumbnails.Make(path, longestSide);

    /// <inheritdoc/>
    public ModelDescription? Describe(ModelOptions model)
    {
        try
        {
            var config = LlavaCheckpoint.IsParts(model.Path)
                ? LlavaConfig.ReadParts(Path.Combine(model.Path, "llama"), Path.Combine(model.Path, "clip"))
                : LlavaConfig.ReadHub(model.Path);
            return new ModelDescription("LLaVA", config.Text.Layers, config.Text.HiddenSize);
        }
        catch (Exception e) when (e is CoinException or IOException or UnauthorizedAccessException)
        {
            // The folder may be gone by the time of the report.
            return null;
        }
    }
}
