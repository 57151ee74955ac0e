using CoIN.Benchmark.Reports.Comparison;
using CoIN.Benchmark.Reports.Results;
using CoIN.Cli.Hosting;
using CoIN.Cli.Runs;

namespace CoIN.Cli.Commands;

/// <summary>The comparison of an experiment's runs.</summary>
internal static class ExperimentComparison
{
    /// <summary>Reads what the runs found, those that have not begun left out.</summary>
    public static async Task<IReadOnlyList<ReportedRun>> ReadAsync(Host host, ExperimentFolder experiment)
    {
        var read = new List<ReportedRun>();
        foreach (var (_, _, folder) in experiment.Runs)
        {
            if (await host.Engine.DescribeAsync(folder, CancellationToken.None).ConfigureAwait(false) is { } report)
            {
                read.Add(new ReportedRun(report, folder));
            }
        }

        return read;
    }

    /// <summary>Writes the comparison of the runs in all forms.</summary>
    /// <returns>The files; none where fewer than two runs have begun.</returns>
    public static async Task<IReadOnlyList<string>> WriteAsync(Host host, ExperimentFolder experiment, string folder)
    {
        var runs = await ReadAsync(host, experiment).ConfigureAwait(false);
        return runs.Count < 2 ? [] : ComparisonFiles.Write(runs, folder);
    }
}
