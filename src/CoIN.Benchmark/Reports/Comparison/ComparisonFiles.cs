using CoIN.Benchmark.Files;
using CoIN.Benchmark.Reports.Results;

namespace CoIN.Benchmark.Reports.Comparison;

/// <summary>The comparison of runs as files.</summary>
public static class ComparisonFiles
{
    /// <summary>Writes it in all forms for files.</summary>
    /// <param name="runs">Two or more; the others are compared with the first.</param>
    /// <returns>The files' paths.</returns>
    public static IReadOnlyList<string> Write(IReadOnlyList<ReportedRun> runs, string folder)
    {
        var files = new List<string>();
        foreach (
            var (form, text) in ComparisonText.Render(runs, Enum.GetValues<ComparisonFormat>().Where(form => form != ComparisonFormat.Text))
        )
        {
            var path = Path.Combine(folder, ComparisonText.FileName(form));
            Durable.WriteText(path, text);
            files.Add(path);
        }

        return files;
    }
}
