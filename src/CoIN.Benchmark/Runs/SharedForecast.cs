using CoIN.Benchmark.Experiments;

namespace CoIN.Benchmark.Runs;

/// <summary>
/// Which stages and tests the runs of an experiment will have in common, told before any of them begins: by the same keys as while they
/// run.
/// </summary>
public static class SharedForecast
{
    // Nothing is read: files of one path are the same, and so is whatever else lies on this computer.
    private const string Program = "";

    /// <summary>What a run computes, by key.</summary>
    /// <param name="Stages">Of each stage that is trained, in their order.</param>
    /// <param name="Tests">Of each cell.</param>
    public sealed record Work(IReadOnlyList<string> Stages, IReadOnlyList<string> Tests);

    /// <summary>The keys of a run's stages and tests. Runs with an equal one compute it once.</summary>
    public static Work Of(ExperimentOptions options)
    {
        int[] samples = [.. options.Tasks.Select(_ => 0)];
        var started = new RunStarted("forecast", options, Files(options), samples, samples)
        {
            ValidationSamples = [.. options.Tasks.Select(task => options.Data.Validation > 0 || task.ValidationFile is not null ? 1 : 0)],
            GivenAdapterSha256 = options.Lora.From,
        };
        var state = new RunState().Apply(started with { Number = 1 });
        var stages = new List<string>();
        foreach (var stage in state.Curriculum.Trained)
        {
            var key = ContentKeys.OfStage(state, stage.Number, Program);
            stages.Add(key);

            // What is trained in the same way is the same adapter.
            state = state.Apply(
                new StageTrained(stage.Number, stage.Name, "", key, null, 1, 0, 0, 0) { Number = state.Number + 1, FolderSha256 = key }
            );
        }

        return new Work(stages, [.. state.Curriculum.Cells.Select(cell => ContentKeys.OfCell(state, cell.Stage, cell.Task, Program)!)]);
    }

    private static Dictionary<string, string> Files(ExperimentOptions options)
    {
        var files = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var task in options.Tasks)
        {
            foreach (var file in new[] { task.TrainFile, task.ValidationFile, task.TestFile, task.ReferencesFile }.OfType<string>())
            {
                files[$"{task.Folder}/{file}"] = Path.Combine(options.Data.Instructions, task.Folder, file);
            }
        }

        return files;
    }
}
