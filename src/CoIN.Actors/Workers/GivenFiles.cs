using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Runs;

namespace CoIN.Actors.Workers;

/// <summary>
/// Whether what a worker of another host is given is, on this host, what the run's journal names by its SHA-256: adapters and data. A file is read once, as long as it
/// stays as it is.
/// </summary>
internal sealed class GivenFiles
{
    private readonly Lock looking = new();
    private readonly Dictionary<string, (string Stamp, string Sha256)> known = new(StringComparer.Ordinal);

    /// <exception cref="CoinException">Something is missing here, or another one; the message names host, file and remedy.</exception>
    public void Require(string runFolder, RunState state, WorkItem item)
    {
        foreach (var adapter in new[] { (item as TrainStage)?.Adapter, (item as AnswerShard)?.Adapter }.OfType<string>())
        {
            RequireAdapter(runFolder, state, adapter);
        }

        foreach (var (task, file) in Files(state.Options, item))
        {
            var name = $"{task.Folder}/{file}";
            var path = Path.Combine(state.Options.Data.Instructions, name);
            if (state.Started!.DataSha256.TryGetValue(name, out var sha256) && Sha256(path) != sha256)
            {
                throw new CoinException(
                    $"On {Environment.MachineName}, {path} {(File.Exists(path) ? "is not the file that the run began with (its SHA-256 differs)" : "does not exist")}. "
                    + "All hosts need the same data under the same paths: copy the file there, then resume the run.");
            }
        }
    }

    private static IEnumerable<(TaskOptions Task, string File)> Files(ExperimentOptions options, WorkItem item) => item switch
    {
        TrainStage stage => options.Curriculum().Stage(stage.Stage).Learns.Select(place => (options.Tasks[place], options.Tasks[place].TrainFile)),
        AnswerShard shard => [(options.Tasks[shard.Task], options.Tasks[shard.Task].TestFile)],
        _ => [],
    };

    private void RequireAdapter(string runFolder, RunState state, string adapter)
    {
        if (state.Trained.Values.FirstOrDefault(trained => trained.Folder == adapter) is not { } stage)
        {
            return;
        }

        var folder = Path.Combine(runFolder, adapter);
        var stamp = Stamp(folder);
        lock (looking)
        {
            if (known.TryGetValue(folder, out var last) && last == (stamp, stage.AdapterSha256))
            {
                return;
            }
        }

        RunDamage.Refuse(runFolder, state, [.. RunDamage.OfAdapter(runFolder, stage)]);
        lock (looking)
        {
            known[folder] = (stamp, stage.AdapterSha256);
        }
    }

    private string? Sha256(string path)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        var stamp = Stamp(path);
        lock (looking)
        {
            if (known.TryGetValue(path, out var last) && last.Stamp == stamp)
            {
                return last.Sha256;
            }
        }

        var sha256 = Durable.Sha256(path);
        lock (looking)
        {
            known[path] = (stamp, sha256);
        }

        return sha256;
    }

    private static string Stamp(string path) => string.Join(
        '|', (Directory.Exists(path) ? Directory.GetFiles(path, "*", SearchOption.AllDirectories) : [path]).Order(StringComparer.Ordinal)
            .Select(file => new FileInfo(file)).Select(file => FormattableString.Invariant($"{file.FullName} {(file.Exists ? file.Length : -1)} {file.LastWriteTimeUtc.Ticks}")));
}
