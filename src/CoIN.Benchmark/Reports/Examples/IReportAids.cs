using CoIN.Benchmark.Experiments;

namespace CoIN.Benchmark.Reports.Examples;

/// <summary>A small picture for a report.</summary>
/// <param name="MediaType">E.g. <c>image/png</c>.</param>
/// <param name="Bytes">The file's content.</param>
/// <param name="Width">In pixels.</param>
/// <param name="Height">In pixels.</param>
public sealed record Thumbnail(string MediaType, byte[] Bytes, int Width, int Height);

/// <summary>
/// What reports show of pictures and models, which the benchmark itself cannot read. Nothing here throws: what is gone or damaged is left
/// out of a report.
/// </summary>
public interface IReportAids
{
    /// <summary>
    /// A picture, made smaller where its longer side exceeds a number of pixels; null if it cannot be read. The same file gives the same
    /// bytes.
    /// </summary>
    Thumbnail? Thumbnail(string path, int longestSide);

    /// <summary>What a base model is; null if its folder does not say.</summary>
    ModelDescription? Describe(ModelOptions model);
}
