using CoIN.Actors.Artifacts;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Runs;

namespace CoIN.Actors.Workers;

/// <summary>
/// Whether what a worker of another host is given is, on this host, what the run's journal names by its SHA-256: adapters and data. A file
/// is read once, as long as it stays as it is.
/// </summary>
internal sealed class GivenFiles(FileHashes hashes)
{
    /// <returns>What is wrong with the checkpoint to go on from, a sentence without its stop; null where nothing is.</returns>
    /// <exception cref="CoinException">Something else is missing here, or another one; the message names host, file and remedy.</exception>
    public string? Require(string runFolder, RunState state, WorkItem item)
    {
        foreach (var adapter in new[] { (item as TrainStage)?.Adapter, (item as AnswerShard)?.Adapter }.OfType<string>())
        {
            RequireAdapter(runFolder, state, adapter);
        }

        foreach (var (task, file) in Files(state.Options, item))
        {
            var name = $"{task.Folder}/{file}";
            var path = Path.Combine(state.Options.Data.Instructions, name);
            if (state.Started!.DataSha256.TryGetValue(name, out var sha256) && hashes.Of(path) != sha256)
            {
                throw new CoinException(
                    $"On {Environment.MachineName}, {path} {(File.Exists(path) ? "is not the file that the run began with (its SHA-256 differs)" : "does not exist")}. "
                        + "All hosts need the same data under the same paths: copy the file there, then resume the run."
                );
            }
        }

        return item is not TrainStage { Checkpoint: { } checkpoint } train
            ? null
            : CheckpointFault(runFolder, state, train.Stage, checkpoint);
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
                .Learns.Select(place => (options.Tasks[place], options.Tasks[place].TrainFile)),
            AnswerShard shard => [(options.Tasks[shard.Task], options.Tasks[shard.Task].TestFile)],
            _ => [],
        };

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
