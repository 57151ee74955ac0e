using CoIN.Actors.Artifacts;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Learning;
using CoIN.Benchmark.Runs;

namespace CoIN.Actors.Workers;

/// <summary>
/// Whether what a worker of another host is given is, on this host, what the run's journal names by its SHA-256: adapters and data. A file
/// is read once, as long as it stays as it is.
/// </summary>
/// <param name="paths">Where this host has data, models and given adapters.</param>
internal sealed class GivenFiles(FileHashes hashes, LocalPaths paths)
{
    private const string Remedy = "or say in this host's coin.node.paths where it lies; then resume the run.";

    /// <returns>What is wrong with the checkpoint to go on from, a sentence without its stop; null where nothing is.</returns>
    /// <exception cref="CoinException">Something else is missing here, or another one; the message names host, file and remedy.</exception>
    public string? Require(string runFolder, RunState state, WorkItem item)
    {
        foreach (var adapter in new[] { (item as TrainStage)?.Adapter, (item as AnswerShard)?.Adapter }.OfType<string>())
        {
            RequireAdapter(runFolder, state, adapter);
        }

        if (item is TrainStage { Adapter: null } or AnswerShard { Adapter: null })
        {
            RequireGivenAdapter(state);
        }

        foreach (var (task, file) in Files(state.Options, item))
        {
            var name = $"{task.Folder}/{file}";
            var path = Path.Combine(paths.Here(state.Options.Data.Instructions), name);
            if (state.Started!.DataSha256.TryGetValue(name, out var sha256) && hashes.Of(path) != sha256)
            {
                throw new CoinException(
                    $"On {Environment.MachineName}, {path} {(File.Exists(path) ? "is not the file that the run began with (its SHA-256 differs)" : "does not exist")}. "
                        + $"All hosts need the same data: copy the file there, {Remedy}"
                );
            }
        }

        return item is not TrainStage { Checkpoint: { } checkpoint } train
            ? null
            : CheckpointFault(runFolder, state, train.Stage, checkpoint);
    }

    /// <summary>What other hosts are told of a fault, where a file is missing here of those that the run names.</summary>
    public string Told(string fault, ExperimentOptions options)
    {
        foreach (var (key, path) in LocalPaths.Named(options))
        {
            var here = paths.Here(path);
            if (fault.Contains(here, StringComparison.Ordinal) && !File.Exists(here) && !Directory.Exists(here))
            {
                return $"On {Environment.MachineName}, {here} does not exist ({key} of the run{(here == path ? "" : $" is {path}")}). Copy it there, {Remedy}";
            }
        }

        return fault;
    }

    /// <exception cref="CoinException">This host has another base model than the run began with.</exception>
    public void RequireBase(RunState state, string sha256)
    {
        if (state.BaseModelSha256 is { } then && then != sha256)
        {
            throw new CoinException(
                $"On {Environment.MachineName}, the base model in {paths.Here(state.Options.Model.Name())} is not the one that the run began with "
                    + $"(SHA-256 {sha256[..12]}…, then {then[..12]}…). All hosts need the same: copy it there, {Remedy}"
            );
        }
    }

    private void RequireGivenAdapter(RunState state)
    {
        if (state.Options.Lora.From is not { } given || state.Started!.GivenAdapterSha256 is not { } sha256)
        {
            return;
        }

        var folder = paths.Here(given);
        if (!Directory.Exists(folder) || AdapterFiles.Sha256(folder, file => hashes.Of(file)!) != sha256)
        {
            throw new CoinException(
                $"On {Environment.MachineName}, the adapter {folder} (lora.from) {(Directory.Exists(folder) ? "is not the one that the run began with" : "does not exist")}. "
                    + $"All hosts need the same: copy it there, {Remedy}"
            );
        }
    }

    private string? CheckpointFault(string runFolder, RunState state, int stage, string folder)
    {
        if (state.Checkpoints.GetValueOrDefault(stage) is not { } saved || saved.Folder != folder)
        {
            return null;
        }

        var path = Path.Combine(runFolder, folder);
        var sha256 = hashes.OfFolder(path);
        return sha256 == saved.Sha256
            ? null
            : $"On {Environment.MachineName}, the checkpoint {path} {(sha256 is null ? "is missing" : "is not as the journal says it was written (its SHA-256 differs)")}";
    }

    private static IEnumerable<(TaskOptions Task, string File)> Files(ExperimentOptions options, WorkItem item) =>
        item switch
        {
            TrainStage stage => options
                .Curriculum()
                .Stage(stage.Stage)
                .Learns.Select(place => options.Tasks[place])
                .SelectMany(task => Of(task, task.TrainFile, task.ValidationFile)),
            AnswerShard shard => Tested(options.Tasks[shard.Task]),
            ScoreCell cell => Tested(options.Tasks[cell.Task]),
            JudgeCell cell => Tested(options.Tasks[cell.Task]),
            _ => [],
        };

    private static IEnumerable<(TaskOptions Task, string File)> Tested(TaskOptions task) => Of(task, task.TestFile, task.ReferencesFile);

    private static IEnumerable<(TaskOptions Task, string File)> Of(TaskOptions task, params IEnumerable<string?> files) =>
        files.OfType<string>().Select(file => (task, file));

    private void RequireAdapter(string runFolder, RunState state, string adapter)
    {
        if (state.Trained.Values.FirstOrDefault(trained => trained.Folder == adapter) is not { } stage)
        {
            return;
        }

        if (stage.FolderSha256 is null || hashes.OfFolder(Path.Combine(runFolder, adapter)) != stage.FolderSha256)
        {
            RunDamage.Refuse(runFolder, state, [.. RunDamage.OfAdapter(runFolder, stage)]);
        }
    }
}
