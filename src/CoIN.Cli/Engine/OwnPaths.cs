using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Runs;
using CoIN.Configuration;

namespace CoIN.Cli.Engine;

/// <summary>Where the files that a run names are for those who look at it without driving it.</summary>
internal static class OwnPaths
{
    /// <summary>
    /// What the run's <c>settings.conf</c> says (<c>node.paths</c> of the computer on which it was given); a folder without one, or with
    /// one that another program wrote, says nothing.
    /// </summary>
    public static LocalPaths Of(string runFolder)
    {
        var file = Path.Combine(runFolder, RunPaths.Settings);
        try
        {
            return File.Exists(file) ? ConfigurationLoader.LoadNode(Utf8Text.Read(file), file, []).Local : LocalPaths.Same;
        }
        catch (Exception e) when (e is CoinException or IOException or UnauthorizedAccessException)
        {
            return LocalPaths.Same;
        }
    }
}
