using CoIN.Actors.Artifacts;
using CoIN.Actors.Journal;
using CoIN.Actors.Protocol;
using CoIN.Actors.Scheduling;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Reports;
using CoIN.Benchmark.Runs;
using Microsoft.Extensions.Logging;
using static CoIN.Actors.Protocol.SharingProtocol;

namespace CoIN.Actors.Nodes;

/// <summary>The runs of a cluster as one of its nodes sees them, whoever drives them: by their journals, and with their files.</summary>
/// <param name="folder">Absolute path of the folder that holds one folder per run.</param>
/// <param name="own">Where nodes have folders of their own: this node's; null otherwise.</param>
internal sealed class OtherRuns(string folder, OwnRuns? own)
{
    // Whoever has it is up; else it is sooner computed again.
    private static readonly TimeSpan FetchPatience = TimeSpan.FromSeconds(20);

    /// <summary>What the runs of an experiment have; runs that cannot be read have nothing.</summary>
    /// <param name="runId">One of them.</param>
    /// <exception cref="CoinException">That one's journal cannot be read.</exception>
    public IReadOnlyList<Made> MadeBeside(string runId)
    {
        if (Read(runId)?.Started?.Experiment is not { } experiment)
        {
            return [];
        }

        var made = new List<Made>();
        foreach (var (_, id) in experiment.Named())
        {
            try
            {
                made.AddRange(Read(id) is { } state ? Made.Of(state, PathOf(id), ProductVersion.Current) : []);
            }
            catch (CoinException)
            {
                // Whoever takes it up says why.
            }
        }

        return made;
    }

    /// <summary>Has the files of a result here that another run is said to have.</summary>
    /// <returns>The result by that run's journal, with the folder of the run on this node.</returns>
    /// <exception cref="CoinException">The journal does not have it, or its files cannot be had.</exception>
    public async Task<Made> BringAsync(Made said, CancellationToken stop)
    {
        var id = Path.GetFileName(said.RunFolder);
        var state = Read(id);
        var made = state is null ? null : Made.Of(state, PathOf(id), ProductVersion.Current).FirstOrDefault(one => one.Key == said.Key);
        if (made is null)
        {
            throw new CoinException($"the journal of the run {id} does not have it");
        }

        if (own is not null)
        {
            await own.RequireAsync(id, RunArtifacts.Of(made.Result, state!), null, FetchPatience, stop).ConfigureAwait(false);
        }

        return made;
    }

    /// <summary>Has what a run took over from another one, and what is lost of it, copied from there once more.</summary>
    /// <param name="path">Below the run's folder.</param>
    /// <returns>False where the run did not take it over.</returns>
    /// <exception cref="CoinException">The other run does not have it either.</exception>
    public async Task<bool> TakeAgainAsync(RunState state, string runFolder, string path, CancellationToken stop)
    {
        var stage = state.Trained.Values.FirstOrDefault(one => one.Folder == path);
        var cell = state.Cells.Values.FirstOrDefault(one => one.File == path || one.ScoresFile == path);
        if ((stage?.TakenFrom ?? cell?.TakenFrom) is not { } from)
        {
            return false;
        }

        var made = await BringAsync(new Made(from.Key, from.RunId, from.RunId, "", null, null), stop).ConfigureAwait(false);
        SharedWork.Copy(made, runFolder, stage?.Stage ?? cell!.Stage, cell?.Task ?? -1, cell is null ? "" : state.TaskNames[cell.Task]);
        return true;
    }

    /// <summary>Where an experiment's own folder is.</summary>
    public string FolderOf(ExperimentRecord experiment) => PathOf(experiment.Id);

    /// <summary>Writes down that an experiment has begun, and with which configuration a run of it is to begin.</summary>
    /// <exception cref="CoinException">Another experiment has that name.</exception>
    public void Begin(ExperimentRecord experiment, string runId, string configuration)
    {
        var path = FolderOf(experiment);
        if (
            File.Exists(Path.Combine(path, ExperimentFiles.Record))
            && !ExperimentFiles.Read(path).Named().Select(run => run.Id).SequenceEqual(experiment.Named().Select(run => run.Id))
        )
        {
            throw new CoinException($"There is an experiment {experiment.Id} of other runs in {folder}. Choose another --run-id.")
            {
                IsFinal = true,
            };
        }

        var kept = ExperimentFiles.ConfigurationOf(path, experiment.Named().First(run => run.Id == runId).Run);
        if (!File.Exists(kept))
        {
            Durable.WriteText(kept, configuration);
        }

        if (!File.Exists(Path.Combine(path, ExperimentFiles.Record)))
        {
            ExperimentFiles.Write(path, experiment);
        }
    }

    /// <summary>
    /// Writes the comparison of an experiment's runs into its folder, as soon as none is under way any more: the last to end is.
    /// Where nodes have folders of their own, what tells of the results comes to this node first.
    /// </summary>
    /// <returns>The folder; null where a run is under way, or fewer than two are completed.</returns>
    /// <exception cref="CoinException">A journal cannot be read, or a file not be written.</exception>
    public async Task<string?> CompareAsync(ExperimentRecord experiment, IBenchmarkWork work, ILogger log, CancellationToken stop)
    {
        var runs = experiment
            .Named()
            .Select(run => (run.Run, run.Id, State: Read(run.Id)))
            .Where(run => run.State is not null)
            .Select(run => (run.Run, run.Id, State: run.State!))
            .ToList();
        if (runs.Exists(run => run.State.IsUnderWay) || runs.Count(run => run.State.Status == RunStatus.Completed) < 2)
        {
            return null;
        }

        var path = FolderOf(experiment);
        if (own is not null)
        {
            foreach (var (run, id, state) in runs)
            {
                await FetchAsync(id, state, log, stop).ConfigureAwait(false);
                var configuration = Path.Combine(PathOf(id), RunPaths.Settings);
                if (File.Exists(configuration))
                {
                    Begin(experiment, id, Utf8Text.Read(configuration));
                }
            }
        }

        work.WriteComparison([.. runs.Select(run => (run.State, PathOf(run.Id)))], path);
        return path;
    }

    /// <summary>What tells of a run's results, and a copy of its journal.</summary>
    private async Task FetchAsync(string id, RunState state, ILogger log, CancellationToken stop)
    {
        await own!.BringLooseAsync(id, RunArtifacts.Steps(state), stop).ConfigureAwait(false);
        foreach (var lost in await own.BringAsync(id, RunArtifacts.Results(state), null, FetchPatience, stop).ConfigureAwait(false))
        {
            log.LogWarning("{Path} of run {RunId} is on no node that can be asked ({Reason})", lost.Artifact.Path, id, lost.Reason);
        }

        await JournalFollower.Start(PathOf(id), log).DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>A run's state; null where nothing has been written of it.</summary>
    /// <exception cref="CoinException">It is no run's id, or its journal cannot be read.</exception>
    public RunState? Read(string runId) =>
        own is not null ? own.Read(runId)
        : Directory.Exists(PathOf(runId)) ? RunJournal.Read(PathOf(runId))
        : null;

    private string PathOf(string runId) =>
        InnerPath.IsRunId(runId) ? Path.Combine(folder, runId) : throw new CoinException($"'{runId}' is no run's id") { IsFinal = true };
}
