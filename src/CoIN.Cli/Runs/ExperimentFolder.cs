using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Reports;
using CoIN.Benchmark.Runs;
using CoIN.Configuration;

namespace CoIN.Cli.Runs;

/// <summary>
/// An experiment of several runs on disk: a folder beside the folders of its runs, with its record, each run's configuration, its log and
/// the comparison. The runs are ordinary ones, named by the experiment's id and their own name.
/// </summary>
/// <param name="Folder">Absolute path.</param>
/// <param name="Record">What it says.</param>
internal sealed record ExperimentFolder(string Folder, ExperimentRecord Record)
{
    /// <summary>The file by which a folder is an experiment's.</summary>
    public const string File = ExperimentFiles.Record;

    /// <summary>The name by which people call it now.</summary>
    public string Id => Path.GetFileName(Folder);

    /// <summary>The runs with their ids and folders.</summary>
    public IReadOnlyList<(ExperimentRun Run, string Id, string Folder)> Runs =>
        [.. Record.Named().Select(one => (one.Run, one.Id, Path.Combine(Path.GetDirectoryName(Folder)!, one.Id)))];

    /// <summary>Whether a folder is an experiment's.</summary>
    public static bool Is(string folder) => System.IO.File.Exists(Path.Combine(folder, File));

    /// <summary>Writes a new experiment down: the runs' configurations, and the record last, so that what has a record is whole.</summary>
    public static ExperimentFolder Create(string folder, LoadedExperiment loaded, DateTimeOffset now)
    {
        var record = RecordOf(Path.GetFileName(folder), loaded, now);
        foreach (var (run, place) in record.Runs.Runs.Select((run, place) => (run, place)))
        {
            Durable.WriteText(ExperimentFiles.ConfigurationOf(folder, run), loaded.Runs[place].EffectiveText);
        }

        ExperimentFiles.Write(folder, record);
        return new ExperimentFolder(folder, record);
    }

    /// <summary>The record of a new experiment.</summary>
    public static ExperimentRecord RecordOf(string id, LoadedExperiment loaded, DateTimeOffset now) =>
        new(id, loaded.Runs[0].Options.Name, now, ProductVersion.Current, loaded.Experiment!);

    /// <summary>Reads an experiment.</summary>
    /// <exception cref="CoinException">Its record cannot be read.</exception>
    public static ExperimentFolder Read(string folder) => new(folder, ExperimentFiles.Read(folder));

    /// <summary>Makes the folders of runs that have none yet: a process may have ended before.</summary>
    /// <exception cref="CoinException">It is not known with which configuration one of them is to begin.</exception>
    public void EnsureRuns()
    {
        foreach (var (run, id, folder) in Runs)
        {
            var settings = Path.Combine(folder, RunFolders.Settings);
            if (!System.IO.File.Exists(settings))
            {
                var kept = ExperimentFiles.ConfigurationOf(Folder, run);
                Durable.WriteText(
                    settings,
                    System.IO.File.Exists(kept)
                        ? Utf8Text.Read(kept)
                        : throw new CoinException(
                            $"The run {id} never began, and {kept} is missing. Give the experiment to its cluster again, or start that run by itself: ./run.sh run … --run-id {id}"
                        )
                );
            }
        }
    }
}
