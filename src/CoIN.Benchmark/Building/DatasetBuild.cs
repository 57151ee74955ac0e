using CoIN.Benchmark.Data;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Instructions;

namespace CoIN.Benchmark.Building;

/// <summary>Builds a task's folder of the published form from its raw data set. The folder is there whole or not at all.</summary>
public static class DatasetBuild
{
    private const string Missing = "its image is missing";
    private const string Shared = "its image is in the test set too";

    /// <summary>The tasks that can be built, in the paper's order.</summary>
    public static IReadOnlyList<string> Tasks { get; } = [.. TaskBuilders.All.Select(builder => builder.Task)];

    /// <summary>The paper's spelling of a task's name.</summary>
    /// <exception cref="CoinException">There is no builder for it.</exception>
    public static string TaskName(string name) => TaskBuilders.Of(name).Task;

    /// <summary>Builds one task.</summary>
    /// <param name="task">The paper's name.</param>
    /// <param name="raw">The folder of raw data: its folder of the task's name if it has one, else the folder itself.</param>
    /// <param name="output">The folder in which <c>Instructions_…/Task</c> is made.</param>
    /// <param name="options">How.</param>
    /// <param name="tell">Is told what is being done, a line at a time.</param>
    /// <param name="stop">Ends the build; then nothing is written.</param>
    /// <exception cref="CoinException">Raw data are missing or cannot be used, or the output folder holds something else.</exception>
    public static BuiltTask Run(string task, string raw, string output, BuildOptions options, Action<string> tell, CancellationToken stop)
    {
        var builder = TaskBuilders.Of(task);
        var folder = Path.Combine(output, InstructionTypes.FolderOf(options.Instructions), builder.Folder);
        RefuseForeign(folder);
        var context = new BuildContext(
            new RawFolder(raw, Names(builder), TaskBuilders.All.Where(other => other != builder).SelectMany(Names), tell),
            options,
            ImageFolder(builder, options),
            new Drops(),
            new Drops(),
            stop
        );
        var data = builder.Read(context);
        var (training, test) = (data.Training, data.Test);
        if (options.Images is { } images)
        {
            tell("Looking for the images");
            var found = new FoundImages(images);
            training = WithImages(
                context,
                training,
                sample => (sample.Id, sample.Image),
                (sample, image) => sample with { Image = image },
                found,
                context.Training
            );
            test = WithImages(
                context,
                test,
                sample => (sample.Id, sample.Image),
                (sample, image) => sample with { Image = image },
                found,
                context.Test
            );
            data = data with { Notes = [.. data.Notes, .. found.Notes()] };
        }

        RefuseTwins(training.Select(sample => sample.Id), builder, "training");
        RefuseTwins(test.Select(sample => sample.Id), builder, "test");
        training = WithoutShared(context, training, test);
        RefuseNothing(training.Count, builder, "training", context.Training);
        RefuseNothing(test.Count, builder, "test", context.Test);
        stop.ThrowIfCancellationRequested();
        return Write(builder, context, data, training, test, folder);
    }

    private static BuiltTask Write(
        TaskBuilder builder,
        BuildContext context,
        RawData data,
        IReadOnlyList<RawTraining> training,
        IReadOnlyList<RawTest> test,
        string folder
    )
    {
        var options = context.Options;
        var learned = Subset.DrawVolume(training, options.Volume, 0, options.Seed);
        var asked = Subset.Draw(test, options.TestSamples, options.Seed);
        var writer = new SampleWriter(builder, options);
        BuiltTask? built = null;
        Durable.WriteFolder(folder, temporary =>
        {
            const string TrainFile = "train.json";
            Durable.Write(Path.Combine(temporary, TrainFile), stream => writer.Write(stream, learned));
            Durable.Write(Path.Combine(temporary, builder.TestFile), stream => writer.Write(stream, asked));
            foreach (var (name, text) in data.Files)
            {
                Durable.WriteText(Path.Combine(temporary, name), text);
            }

            built = new BuiltTask(
                builder.Task,
                folder,
                new BuiltSplit(
                    TrainFile,
                    Durable.Sha256(Path.Combine(temporary, TrainFile)),
                    training.Count,
                    learned.Count,
                    learned.Sum(sample => sample.Turns.Count),
                    Images(learned.Select(sample => sample.Image)),
                    context.Training.All
                ),
                new BuiltSplit(
                    builder.TestFile,
                    Durable.Sha256(Path.Combine(temporary, builder.TestFile)),
                    test.Count,
                    asked.Count,
                    asked.Count,
                    Images(asked.Select(sample => sample.Image)),
                    context.Test.All
                ),
                context.Raw.Sources(),
                data.Notes
            );
            Durable.WriteText(Path.Combine(temporary, BuildManifest.FileName), BuildManifest.Text(built, options, context.ImageFolder));
        });
        return built!;
    }

    private static IReadOnlyList<string> Names(TaskBuilder builder) => [.. new[] { builder.Folder, builder.Task }.Distinct()];

    private static string ImageFolder(TaskBuilder builder, BuildOptions options) =>
        (options.ImageFolder ?? builder.ImageFolder).Replace('\\', '/').Trim('/');

    /// <summary>
    /// A published folder, or one that somebody edited into shape, must not be replaced by a command that was meant for another place.
    /// </summary>
    private static void RefuseForeign(string folder)
    {
        if (
            Directory.Exists(folder)
            && Directory.EnumerateFileSystemEntries(folder).Any()
            && !File.Exists(Path.Combine(folder, BuildManifest.FileName))
        )
        {
            throw new CoinException(
                $"{folder} is there already and was not built from raw data (it has no {BuildManifest.FileName}). Name another folder with --out, or remove it."
            );
        }
    }

    private static IReadOnlyList<T> WithImages<T>(
        BuildContext context,
        IReadOnlyList<T> samples,
        Func<T, (string Id, string? Image)> of,
        Func<T, string, T> with,
        FoundImages found,
        Drops drops
    )
    {
        var absent = new HashSet<string>(StringComparer.Ordinal);
        var kept = new List<T>(samples.Count);
        (string Id, string Path)? first = null;
        foreach (var sample in samples)
        {
            var (id, image) = of(sample);
            context.Stop.ThrowIfCancellationRequested();
            if (image is null)
            {
                kept.Add(sample);
            }
            else if (found.Find(image) is { } there)
            {
                kept.Add(there == image ? sample : with(sample, there));
            }
            else
            {
                first ??= (id, found.PathOf(image));
                absent.Add(image);
                drops.Add(Missing, id);
            }
        }

        if (first is var (sampleId, path) && !context.Options.DropMissingImages)
        {
            var missing = absent.Count;
            throw new CoinException(
                $"The image {path} of sample {sampleId} does not exist{(missing > 1 ? $", nor do {missing - 1} others" : "")}. "
                    + "Put the images there, correct --images or --image-folder, or leave such samples out with --missing-images drop."
            );
        }

        return kept;
    }

    private static IReadOnlyList<RawTraining> WithoutShared(
        BuildContext context,
        IReadOnlyList<RawTraining> training,
        IReadOnlyList<RawTest> test
    )
    {
        if (context.Options.KeepSharedImages)
        {
            return training;
        }

        var tested = test.Select(sample => sample.Image).OfType<string>().ToHashSet(StringComparer.Ordinal);
        var kept = new List<RawTraining>(training.Count);
        foreach (var sample in training)
        {
            if (sample.Image is not null && tested.Contains(sample.Image))
            {
                context.Training.Add(Shared, sample.Id);
            }
            else
            {
                kept.Add(sample);
            }
        }

        return kept;
    }

    private static void RefuseTwins(IEnumerable<string> ids, TaskBuilder builder, string set)
    {
        var known = new HashSet<string>(StringComparer.Ordinal);
        if (ids.FirstOrDefault(id => !known.Add(id)) is { } twin)
        {
            throw new CoinException(
                $"{builder.Task}'s raw {set} set has the id {twin} twice. Copy its files again from the data set's source."
            );
        }
    }

    private static void RefuseNothing(int samples, TaskBuilder builder, string set, Drops drops)
    {
        if (samples == 0)
        {
            throw new CoinException(
                $"Nothing is left of {builder.Task}'s {set} set{string.Concat(drops.All.Select(dropped => $"; {dropped.Count} left out because {dropped.Reason}"))}. "
                    + "Look whether the raw files are the right ones."
            );
        }
    }

    private static int Images(IEnumerable<string?> images) => images.OfType<string>().Distinct(StringComparer.Ordinal).Count();
}
