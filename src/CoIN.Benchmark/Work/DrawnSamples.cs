using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;

namespace CoIN.Benchmark.Work;

/// <summary>The samples that an experiment takes from its tasks' files: volumes, subsets, held-out samples, images' folders.</summary>
internal sealed class DrawnSamples
{
    // CoIN's eight tasks and as many of another order or experiment. Training sets are asked for once, and they are large.
    private readonly TestSets tests = new(capacity: 16);

    /// <summary>The path of a task's file.</summary>
    public static string PathOf(ExperimentOptions options, TaskOptions task, string file) =>
        Path.Combine(options.Data.Instructions, task.Folder, file);

    /// <summary>The drawn samples but for those whose image the run leaves out.</summary>
    public static IReadOnlyList<T> WithoutSkipped<T>(
        ExperimentOptions options,
        IReadOnlyList<T> drawn,
        Func<T, IReadOnlyList<string>> imagesOf
    )
    {
        if (options.Data.SkippedImages is not { Count: > 0 } skipped)
        {
            return drawn;
        }

        var images = skipped.ToHashSet(StringComparer.Ordinal);
        return [.. drawn.Where(sample => !imagesOf(sample).Any(images.Contains))];
    }

    /// <summary>A task's training samples, and those that are held out of training.</summary>
    public static (IReadOnlyList<TrainingSample> Training, IReadOnlyList<TrainingSample> Validation) Training(
        ExperimentOptions options,
        TaskOptions task
    )
    {
        var drawn = Subset.DrawVolume(
            TrainingSamples.Read(PathOf(options, task, task.TrainFile)),
            options.Data.Volume,
            options.Data.MaxTrainSamples,
            options.Seed
        );
        IReadOnlyList<TrainingSample> InFolder(IReadOnlyList<TrainingSample> samples) =>
            task.TrainImages is null ? samples : [.. samples.Select(sample => sample.In(task.TrainImages))];
        var (training, validation) = task.ValidationFile is { } file
            ? (drawn, TrainingSamples.Read(PathOf(options, task, file)))
            : ValidationSplit.Of(drawn, options.Data.Validation, options.Seed, task.Name);
        return (InFolder(training), InFolder(validation));
    }

    /// <summary>A task's test samples, with their truths.</summary>
    public IReadOnlyList<TestSample> Test(ExperimentOptions options, TaskOptions task)
    {
        var all = tests.Of(PathOf(options, task, task.TestFile));
        IReadOnlyList<TestSample> drawn = options.Data switch
        {
            { MaxTestSamples: 0 } => all,
            { TestSubset: TestSubset.Seeded, MaxTestSamples: var max } => Subset.Draw(all, max, options.Seed),
            { MaxTestSamples: var max } => [.. all.Take(max)],
        };
        var references = task.ReferencesFile is { } file ? CaptionReferences.Read(PathOf(options, task, file)) : null;
        return references is null && task.TestImages is null
            ? drawn
            : [.. drawn.Select(sample => references?.Of(sample) ?? sample).Select(sample => sample.In(task.TestImages))];
    }
}
