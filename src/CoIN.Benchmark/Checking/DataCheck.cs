using CoIN.Benchmark.Data;
using CoIN.Benchmark.Data.Reading;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Scoring;

namespace CoIN.Benchmark.Checking;

/// <summary>
/// Looks through samples and images for what would end a run after hours or spoil its numbers. Samples are streamed and images decoded on
/// all cores; what is kept is a few hundred bytes for each image and question of one task. Findings come in the order of tasks, files and
/// samples, whatever the number of cores.
/// </summary>
/// <param name="options">The experiment; whole files are checked, also where it takes only a part of their samples.</param>
/// <param name="inspector">Decodes the images.</param>
/// <param name="renderer">Shows samples as the model gets them; null where no model is at hand, then lengths are not checked.</param>
/// <param name="cores">How many threads work at once.</param>
public sealed class DataCheck(ExperimentOptions options, IImageInspector inspector, ISampleRenderer? renderer, int cores)
{
    private const int SamplesAtOnce = 1024;
    private const int ImagesAtOnce = 64;

    private readonly ParallelOptions parallel = new() { MaxDegreeOfParallelism = cores };
    private readonly CheckTally tally = new();
    private Action<Finding> found = _ => { };
    private Action<CheckProgress> progress = _ => { };

    /// <summary>Checks all tasks of the experiment and writes every finding to a file of JSON lines.</summary>
    /// <param name="path">The file; one that is there is replaced.</param>
    /// <param name="tell">Is told how far the check is, often; must not block.</param>
    /// <param name="stop">Ends the check early; what was found until then is kept.</param>
    /// <exception cref="CoinException">The file cannot be written.</exception>
    public CheckSummary Run(string path, Action<CheckProgress> tell, CancellationToken stop)
    {
        CheckSummary? summary = null;
        Durable.Write(path, stream =>
        {
            using var lines = FindingsFile.Open(stream);
            summary = Run(finding => FindingsFile.Write(lines, finding), tell, stop);
        });
        return summary!;
    }

    /// <summary>Checks all tasks of the experiment and hands every finding on.</summary>
    internal CheckSummary Run(Action<Finding> find, Action<CheckProgress> tell, CancellationToken stop)
    {
        found = find;
        progress = tell;
        var tasks = new List<TaskSummary>();
        try
        {
            foreach (var task in options.Tasks)
            {
                tasks.Add(Check(task, stop));
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return new CheckSummary(tasks, tally.Summarize(), Stopped: true);
        }

        return new CheckSummary(tasks, tally.Summarize(), Stopped: false);
    }

    private TaskSummary Check(TaskOptions task, CancellationToken stop)
    {
        var rules = new SampleRules(task, renderer);
        var images = new TaskImages();
        var questions = new AskedQuestions();
        var textOnly = 0;
        var learns = false;
        int? training = null;
        if (options.Curriculum().Learns(options.Tasks.ToList().IndexOf(task)))
        {
            CheckedSample Learned(SampleEntry entry) => CheckedSample.Training(entry, rules, task.TrainImages);
            training = Read(
                task,
                task.TrainFile,
                TrainingSamples.IdKeys,
                FindingKind.RepeatedId,
                Learned,
                (sample, place) =>
                {
                    textOnly += sample.IsRead && sample.Image is null ? 1 : 0;
                    learns |= sample.Learns;
                    var image = sample.Image is null ? -1 : images.Use(sample.Image, place, training: true, null);
                    Further(images, sample, place, training: true);
                    questions.AddTraining(image, sample);
                },
                stop
            );
            if (training > 0 && !learns)
            {
                Report(
                    FindingKind.NothingLearnable,
                    task,
                    task.TrainFile,
                    null,
                    null,
                    null,
                    "none of its samples has an answer that can be learned"
                );
            }
        }

        var references = References(task);
        var truths = new List<(SamplePlace Place, TestSample Sample)>();
        CheckedSample Asked(SampleEntry entry) => CheckedSample.Test(entry, rules, task.TestImages, references);
        var test = Read(
            task,
            task.TestFile,
            TestSamples.IdKeys,
            FindingKind.DuplicateId,
            Asked,
            (sample, place) =>
            {
                textOnly += sample.IsRead && sample.Image is null ? 1 : 0;
                var image = sample.Image is null ? -1 : images.Use(sample.Image, place, training: false, sample.Size);
                Further(images, sample, place, training: false);
                questions.AddTest(image, sample, place);
                if (sample.Truth is { } truth)
                {
                    truths.Add((place, truth));
                }
            },
            stop
        );
        Truths(task, rules, [.. truths.DistinctBy(one => one.Sample.QuestionId)]);
        Inspect(task, images.All, stop);
        LeakedImages(task, images.All);
        foreach (var (place, image, line) in questions.Leaked(index => images.All[index].Identity))
        {
            var path = image < 0 ? null : images.All[image].Path;
            Report(
                FindingKind.LeakedQuestion,
                task,
                place,
                path,
                $"line {line} of {task.TrainFile} asks the same {(path is null ? "without an image" : "about the same image")}"
            );
        }

        return new TaskSummary(
            task.Name,
            task.TrainFile,
            training,
            task.TestFile,
            test,
            textOnly,
            images.All.Count,
            tally.Of(task.Name, Severity.Error),
            tally.Of(task.Name, Severity.Warning)
        );
    }

    private static void Further(TaskImages images, CheckedSample sample, SamplePlace place, bool training)
    {
        foreach (var image in sample.FurtherImages)
        {
            images.Use(image, place, training, null);
        }
    }

    /// <summary>What only the whole test set shows of its reference answers.</summary>
    private void Truths(TaskOptions task, SampleRules rules, IReadOnlyList<(SamplePlace Place, TestSample Sample)> truths)
    {
        foreach (var (place, flaw) in truths.Count == 0 ? [] : rules.Truths([.. truths.Select(one => one.Sample)]))
        {
            if (place < 0)
            {
                Report(flaw.Kind, task, task.TestFile, null, null, null, flaw.Message);
            }
            else
            {
                Report(flaw.Kind, task, truths[place].Place, truths[place].Sample.Image, flaw.Message);
            }
        }
    }

    /// <summary>The references file of a task that has one; what is wrong with it is a finding.</summary>
    private CaptionReferences? References(TaskOptions task)
    {
        if (task.ReferencesFile is not { } file)
        {
            return null;
        }

        var path = Path.Combine(options.Data.Instructions, task.Folder, file);
        try
        {
            return CaptionReferences.Read(path);
        }
        catch (CoinException e)
        {
            Report(File.Exists(path) ? FindingKind.BrokenFile : FindingKind.MissingFile, task, file, null, null, null, e.Message);
            return null;
        }
    }

    /// <summary>Goes through a file: the next samples are read while the last ones are checked.</summary>
    /// <returns>How many samples it has; null if it is missing.</returns>
    private int? Read(
        TaskOptions task,
        string file,
        string[] idKeys,
        FindingKind sameId,
        Func<SampleEntry, CheckedSample> check,
        Action<CheckedSample, SamplePlace> use,
        CancellationToken stop
    )
    {
        var path = Path.Combine(options.Data.Instructions, task.Folder, file);
        if (!File.Exists(path))
        {
            Report(FindingKind.MissingFile, task, file, null, null, null, $"{path} does not exist.{SampleFiles.CandidatesSentence(path)}");
            return null;
        }

        var name = $"{task.Folder}/{file}";
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        var count = 0;
        try
        {
            using var reader = SampleFileReader.Open(path, idKeys);
            var (entries, fault) = Chunk(reader);
            while (entries.Count > 0)
            {
                stop.ThrowIfCancellationRequested();

                // After a fault the reader has nothing more to give.
                var last = fault;
                var next = Task.Run(() => last is null ? Chunk(reader) : ([], last), CancellationToken.None);
                var results = new CheckedSample[entries.Count];
                Parallel.For(0, results.Length, parallel, i => results[i] = check(entries[i]));
                foreach (var sample in results)
                {
                    count++;
                    var place = new SamplePlace(name, sample.Line, sample.Id);
                    foreach (var flaw in sample.Flaws)
                    {
                        Report(flaw.Kind, task, place, sample.Image, flaw.Message);
                    }

                    if (sample.HasId && !ids.TryAdd(sample.Id, sample.Line))
                    {
                        Report(sameId, task, place, sample.Image, $"has the id of the sample in line {ids[sample.Id]}");
                    }

                    use(sample, place);
                }

                (entries, fault) = next.GetAwaiter().GetResult();
                progress(new CheckProgress(task.Name, file, count, reader.Part, tally.Total));
            }

            if (fault is not null)
            {
                throw fault;
            }
        }
        catch (CoinException e)
        {
            Report(
                FindingKind.BrokenFile,
                task,
                file,
                null,
                null,
                null,
                e.Message.StartsWith(path, StringComparison.Ordinal) ? e.Message[path.Length..].TrimStart(',', ' ') : e.Message
            );
            return count;
        }

        if (count == 0)
        {
            Report(FindingKind.BrokenFile, task, file, null, null, null, "holds no samples");
        }

        return count;
    }

    /// <summary>The next samples; a fault of the file comes with those in front of it.</summary>
    private static (List<SampleEntry> Entries, CoinException? Fault) Chunk(SampleFileReader reader)
    {
        var entries = new List<SampleEntry>(SamplesAtOnce);
        try
        {
            while (entries.Count < SamplesAtOnce && reader.Next() is { } entry)
            {
                entries.Add(entry);
            }
        }
        catch (CoinException e)
        {
            return (entries, e);
        }

        return (entries, null);
    }

    private void Inspect(TaskOptions task, IReadOnlyList<ImageUse> images, CancellationToken stop)
    {
        var root = options.Data.Images;
        var others = new LookAlikes(root);
        for (var start = 0; start < images.Count; start += ImagesAtOnce * cores)
        {
            stop.ThrowIfCancellationRequested();
            var end = Math.Min(start + (ImagesAtOnce * cores), images.Count);
            Parallel.For(start, end, parallel, i => images[i].Facts = inspector.Inspect(Path.Combine(root, images[i].Path)));
            for (var i = start; i < end; i++)
            {
                foreach (var flaw in ImageRules.Check(images[i], images[i].Facts!, others, inspector))
                {
                    Report(flaw.Kind, task, images[i].First, images[i].Path, flaw.Message);
                }
            }

            progress(new CheckProgress(task.Name, CheckProgress.Images, end, (double)end / images.Count, tally.Total));
        }
    }

    private void LeakedImages(TaskOptions task, IReadOnlyList<ImageUse> images)
    {
        var contents = new Dictionary<UInt128, ImageUse>();
        foreach (var image in images.Where(image => image.InTraining is not null && image.Facts!.Content != 0))
        {
            contents.TryAdd(image.Facts!.Content, image);
        }

        foreach (var image in images)
        {
            if (image.InTest is not { } test)
            {
                continue;
            }

            if (image.InTraining is { } training)
            {
                Report(FindingKind.LeakedImage, task, test, image.Path, $"{image.Path} is the image of training sample {training.Id} too");
            }
            else if (contents.TryGetValue(image.Facts!.Content, out var same))
            {
                Report(
                    FindingKind.LeakedContent,
                    task,
                    test,
                    image.Path,
                    $"{image.Path} is the same picture as {same.Path} of training sample {same.InTraining!.Value.Id}"
                );
            }
        }
    }

    private void Report(FindingKind kind, TaskOptions task, SamplePlace place, string? image, string message) =>
        Report(new Finding(kind, task.Name, place.File, place.Line, place.Id, image, message));

    private void Report(FindingKind kind, TaskOptions task, string file, int? line, string? sample, string? image, string message) =>
        Report(new Finding(kind, task.Name, $"{task.Folder}/{file}", line, sample, image, message));

    private void Report(Finding finding)
    {
        tally.Add(finding);
        found(finding);
    }
}
