using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Reports;
using CoIN.Benchmark.Reports.Examples;
using CoIN.Models.Families;
using CoIN.Models.Imaging;

namespace CoIN.Models.Learning;

/// <summary>Pictures for reports, and the shape of models.</summary>
public sealed class ReportAids : IReportAids
{
    /// <inheritdoc/>
    public Thumbnail? Thumbnail(string path, int longestSide) => Thumbnails.Make(path, longestSide);

    /// <inheritdoc/>
    public ModelDescription? Describe(ModelOptions model)
    {
        try
        {
            var family = ModelFamilies.Of(model);
            var shape = family.Shape(model);
            return new ModelDescription(family.Name, shape.Text.Layers, shape.Text.HiddenSize) { SeveralImages = family.SeveralPictures };
        }
        catch (Exception e) when (e is CoinException or IOException or UnauthorizedAccessException)
        {
            // The folder may be gone by the time of the report.
            return null;
        }
    }
}
