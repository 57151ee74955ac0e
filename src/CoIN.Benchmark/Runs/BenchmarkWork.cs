using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Predictions;
using CoIN.Benchmark.Reports;
using CoIN.Benchmark.Reports.Examples;
using CoIN.Benchmark.Scoring;
using CoIN.Benchmark.Steps;

namespace CoIN.Benchmark.Runs;

/// <summary>The benchmark on CoIN's folders of samples and images.</summary>
/// <param name="aids">Reads pictures and models for reports; null for reports without.</param>
/// <param name="inspector">Decodes images before a run that leaves bad ones out; null where no such run is begun.</param>
public sealed class BenchmarkWork(IReportAids? aids = null, IImageInspector? inspector = null) : IBenchmarkWork
{
    // CoIN's eight tasks and as many of another order or experiment. Training sets are asked for once, and they are large.
    private readonly TestSets tests = new(capacity: 16);

    /// <inheritdoc/>
    public DataDescription Describe(ExperimentOptions options)
    {
        var hashes = new Dictionary<string, string>(StringComparer.Ordinal);
        var training = new List<int>();
        var validation = new List<int>();
        var test = new List<int>();
        var images = new ImageList(options.Data.Images, options.Data.ImageIdentity);
        var skipped = new List<SkippedSample>();
        var bad = options.Data is { BadSamples: BadSamples.Skip, SkippedImages: null }
            ? new BadImages(options.Data.Images, inspector ?? throw new InvalidOperationException("nothing decodes images"))
            : null;
        var curriculum = options.Curriculum();
        for (var place = 0; place < options.Tasks.Count; place++)
        {
            var task = options.Tasks[place];
            if (curriculum.Learns(place))
            {
                var (learned, held) = CheckedTraining(options, task, images, bad, skipped);
                training.Add(learned);
                validation.Add(held);
                hashes[$"{task.Folder}/{task.TrainFile}"] = Durable.Sha256(PathOf(options, task, task.TrainFile));
                if (task.ValidationFile is { } file)
                {
                    hashes[$"{task.Folder}/{file}"] = Durable.Sha256(PathOf(options, task, file));
                }
            }
            else
            {
                training.Add(0);
                validation.Add(0);
            }

            test.Add(CheckedTest(options, task, images, bad, skipped));
            hashes[$"{task.Folder}/{task.TestFile}"] = Durable.Sha256(PathOf(options, task, task.TestFile));
            if (task.ReferencesFile is { } references)
            {
                hashes[$"{task.Folder}/{references}"] = Durable.Sha256(PathOf(options, task, references));
            }
        }

        return new DataDescription(hashes, training, test)
        {
            Images = images,
            Skipped = skipped,
            SkippedImages = options.Data.SkippedImages ?? bad?.Found,
            ValidationSamples = validation.Any(count => count > 0) ? validation : null,
        };
    }

    /// <summary>Notes what in the data of an experiment would end a run of it, of each file the first fault.</summary>
    /// <param name="problems">Files of which it holds a problem already are not looked at.</param>
    public void Check(ExperimentOptions options, Problems problems)
    {
        if (problems.Concern("coin.data"))
        {
            return;
        }

        var curriculum = options.Curriculum();
        for (var place = 0; place < options.Tasks.Count; place++)
        {
            var task = options.Tasks[place];
            var key = $"coin.tasks.{task.Name}";
            if (curriculum.Learns(place) && !problems.Concern($"{key}.folder") && !problems.Concern($"{key}.train-file"))
            {
                problems.Try(() =>
                {
                    CheckedTraining(options, task);
                });
            }

            if (!new[] { "folder", "test-file", "references-file", "scorer" }.Any(part => problems.Concern($"{key}.{part}")))
            {
                problems.Try(() =>
                {
                    CheckedTest(options, task);
                });
            }
        }
    }

    /// <summary>Reads a task's training samples and checks what a run would stumble over.</summary>
    /// <returns>How many there are, and how many are held out of training.</returns>
    private (int Learned, int Held) CheckedTraining(
        ExperimentOptions options,
        TaskOptions task,
        ImageList? images = null,
        BadImages? bad = null,
        List<SkippedSample>? skipped = null
    )
    {
        var (samples, validation) = DrawTraining(options, task);
        var count = Usable(options, task, "train", samples, sample => (sample.Id, sample.Images), images, bad, skipped).Count;
        var held =
            validation.Count == 0
                ? 0
                : Usable(options, task, "validation", validation, sample => (sample.Id, sample.Images), images, bad, skipped).Count;
        var wanted = options.SamplesOfEachTask();
        return count >= wanted
            ? (count, held)
            : throw new CoinException(
                $"coin.{options.Method}.samples is {wanted}, but {task.Name} has {count} training samples"
                    + $"{(count < samples.Count ? " with a usable image" : "")}. Set {options.Method}.samples to {count} or less"
                    + $"{(options.Data is { MaxTrainSamples: 0, Volume: 1 } ? "" : ", or raise data.volume or data.max-train-samples")}."
            );
    }

    /// <summary>The samples that are not left out, with their images known to be there.</summary>
    private IReadOnlyList<T> Usable<T>(
        ExperimentOptions options,
        TaskOptions task,
        string use,
        IReadOnlyList<T> samples,
        Func<T, (string Id, IReadOnlyList<string> Images)> of,
        ImageList? images,
        BadImages? bad,
        List<SkippedSample>? skipped
    )
    {
        CheckNumbers(options, task, use, samples.Select(of));
        var all = samples
            .Select(of)
            .SelectMany(sample => sample.Images.DefaultIfEmpty<string?>(), (sample, image) => (sample.Id, Image: image))
            .ToList();
        images?.Add(all.Select(sample => sample.Image));
        bad?.Look(all.Select(sample => sample.Image));
        if (options.Data.BadSamples == BadSamples.Fail)
        {
            ImageFiles.Check(options.Data.Images, all, images is null ? null : images.Exists);
            return samples;
        }

        if (bad is null && options.Data.SkippedImages is null)
        {
            // What will be left out is found when the run begins.
            return samples;
        }

        var leftOut = options.Data.SkippedImages?.ToHashSet(StringComparer.Ordinal);
        bool IsBad(string? image) => image is not null && (bad is not null ? bad.Reason(image) is not null : leftOut!.Contains(image));
        skipped?.AddRange(
            all.Where(sample => IsBad(sample.Image))
                .Select(sample => new SkippedSample(task.Name, use, sample.Id, sample.Image!, bad?.Reason(sample.Image)))
        );
        IReadOnlyList<T> usable = [.. samples.Where(sample => !of(sample).Images.Any(IsBad))];
        return usable.Count > 0
            ? usable
            : throw new CoinException(
                $"Nothing is left of {task.Name}'s {(use == "train" ? "training" : use)} samples: the image of every one of them is missing or damaged. Correct data.images, or copy the images again."
            );
    }

    /// <summary>Makes sure that no sample has more images than the model takes.</summary>
    private void CheckNumbers(
        ExperimentOptions options,
        TaskOptions task,
        string use,
        IEnumerable<(string Id, IReadOnlyList<string> Images)> samples
    )
    {
        if (
            samples.FirstOrDefault(sample => sample.Images.Count > 1) is { Id: { } id, Images: { } several }
            && aids?.Describe(options.Model) is { SeveralImages: false } model
        )
        {
            var file = PathOf(
                options,
                task,
                use switch
                {
                    "train" => task.TrainFile,
                    "validation" => task.ValidationFile ?? task.TrainFile,
                    _ => task.TestFile,
                }
            );
            throw new CoinException(
                $"{file}, sample {id}: it has {several.Count} images, and {model.Family} takes one. Leave such samples out, or take a model that takes several (Qwen-VL)."
            );
        }
    }

    /// <summary>As <see cref="CheckedTraining"/>, for test samples.</summary>
    private int CheckedTest(
        ExperimentOptions options,
        TaskOptions task,
        ImageList? images = null,
        BadImages? bad = null,
        List<SkippedSample>? skipped = null
    )
    {
        _ = Scorers.Of(task.Scorer);
        var questions = Usable(
            options,
            task,
            "test",
            DrawTest(options, task),
            sample => (sample.QuestionId, sample.Images),
            images,
            bad,
            skipped
        );

        // Answers that the scorer cannot read would come out only after hours of generation.
        Prediction[] perfect = [.. questions.Select(sample => new Prediction(sample.QuestionId, sample.Answer))];
        _ = TruthAlignment.Score(task.Scorer, questions, perfect);
        _ = TruthAlignment.Score(task.Scorer, questions, perfect, ScoringKind.Corrected);
        return questions.Count;
    }

    /// <inheritdoc/>
    public IReadOnlyList<TrainingSample> Training(ExperimentOptions options, TaskOptions task) =>
        WithoutSkipped(options, DrawTraining(options, task).Training, sample => sample.Images);

    /// <inheritdoc/>
    public IReadOnlyList<TrainingSample> Validation(ExperimentOptions options, TaskOptions task) =>
        WithoutSkipped(options, DrawTraining(options, task).Validation, sample => sample.Images);

    /// <inheritdoc/>
    public IReadOnlyList<TestSample> Test(ExperimentOptions options, TaskOptions task) =>
        WithoutSkipped(options, DrawTest(options, task), sample => sample.Images);

    private static IReadOnlyList<T> WithoutSkipped<T>(
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

    private static (IReadOnlyList<TrainingSample> Training, IReadOnlyList<TrainingSample> Validation) DrawTraining(
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

    private IReadOnlyList<TestSample> DrawTest(ExperimentOptions options, TaskOptions task)
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

    /// <inheritdoc/>
    public CellScores Score(TaskOptions task, IReadOnlyList<TestSample> samples, IReadOnlyList<Prediction> predictions)
    {
        if (samples.Count != predictions.Count)
        {
            throw new CoinException(
                $"{task.Name} has {Plural.Of(samples.Count, "test sample")} but {Plural.Of(predictions.Count, "prediction")}. Delete the run's predictions of this cell and resume."
            );
        }

        var published = TruthAlignment.Score(task.Scorer, samples, predictions);
        var corrected = TruthAlignment.Score(task.Scorer, samples, predictions, ScoringKind.Corrected);
        return new CellScores(
            published.AccuracyPercent,
            published.Samples,
            corrected.AccuracyPercent,
            corrected.Samples,
            ScoresFile.Join(samples.Select(sample => sample.QuestionId), published, corrected)
        );
    }

    /// <inheritdoc/>
    public void WritePredictions(string path, IReadOnlyList<Prediction> predictions) => PredictionsFile.Write(path, predictions);

    /// <inheritdoc/>
    public void WriteScores(string path, IReadOnlyList<SampleScore> scores) => ScoresFile.Write(path, scores);

    /// <inheritdoc/>
    public IReadOnlyList<Prediction> ReadPredictions(string path) => PredictionsFile.Read(path);

    /// <inheritdoc/>
    public IReadOnlyList<string> WriteReports(string runFolder, RunState state, string? target = null) =>
        ReportFiles.Write(
            runFolder,
            Describe(state),
            new ExampleData(task => SamplesOfThen(state, task), state.Options.Data.Images, aids),
            target
        );

    /// <summary>A run's report, with what its base model is.</summary>
    public RunReport Describe(RunState state) => Report(state) with { Model = aids?.Describe(state.Options.Model) };

    /// <summary>A task's test samples if they are still those that the run was tested on.</summary>
    private IReadOnlyList<TestSample>? SamplesOfThen(RunState state, string name)
    {
        var task = state.Options.Tasks.First(one => one.Name == name);
        var path = PathOf(state.Options, task, task.TestFile);
        try
        {
            return RunFiles.ChangedTestFile(state, task) is null && File.Exists(path) ? Test(state.Options, task) : null;
        }
        catch (Exception e) when (e is CoinException or IOException or UnauthorizedAccessException)
        {
            // A report of numbers does without examples.
            return null;
        }
    }

    /// <summary>A run's report as a function of its state.</summary>
    internal static RunReport Report(RunState state)
    {
        var options = state.Options;
        return new RunReport
        {
            RunId = state.Started!.RunId,
            Name = options.Name,
            Options = options,
            Method = options.Method,
            Seed = options.Seed,
            Status = state.Status.ToString().ToLowerInvariant(),
            Tasks = state.TaskNames,
            BaseModelSha256 = state.BaseModelSha256 ?? "",
            GivenAdapterSha256 = state.Started.GivenAdapterSha256,
            Stages = [.. state.Trained.Values.Select(stage => Stage(state, stage))],
            Steps =
            [
                .. state.Curriculum.Trained.Select(stage => new StepsReport(
                    stage.Number,
                    stage.Name,
                    RunPaths.Steps(stage.Number, stage.Name)
                )),
            ],
            Validations =
            [
                .. state
                    .Validations.GroupBy(one => one.Key.Stage)
                    .Select(stage => new StageValidation(
                        stage.Key,
                        state.Curriculum.Stage(stage.Key).Name,
                        [.. stage.Select(one => one.Value)]
                    )),
            ],
            Cells =
            [
                .. state
                    .Cells.Values.OrderBy(cell => cell.Stage)
                    .ThenBy(cell => cell.Task)
                    .Select(cell => new CellReport(
                        cell.Stage,
                        state.TaskNames[cell.Task],
                        cell.Accuracy,
                        cell.Samples,
                        cell.File,
                        cell.Sha256
                    )
                    {
                        CorrectedPercent = cell.Corrected,
                        CorrectedSamples = cell.CorrectedSamples,
                        ScoresFile = cell.ScoresFile,
                        RoutingFile = RunPaths.Routing(cell.Stage, state.TaskNames[cell.Task]),
                        Skipped = state.Started.Skipped?.Count(sample => sample.Use == "test" && sample.Task == state.TaskNames[cell.Task])
                            ?? 0,
                        Computations = cell.Computations,
                        AnswerSeconds = state.Efforts.GetValueOrDefault((cell.Stage, cell.Task))?.Seconds,
                        TakenFrom = cell.TakenFrom?.RunId,
                        Judgements = Judgements(state, cell),
                    }),
            ],
            Skipped = state.Started.Skipped ?? [],
            DataFiles = [.. options.Tasks.SelectMany((task, i) => Files(state.Started, task, i))],
            Started = state.StartedAt,
            Finished = state.Status is RunStatus.Completed ? state.LastAt : null,
            Driven = state.Driven,
            JudgingFaults = state.JudgingFaults,
        };
    }

    private static IReadOnlyList<JudgedCellReport> Judgements(RunState state, CellScored cell) =>
        [
            .. state
                .Judgements.Values.Where(judged => judged.Stage == cell.Stage && judged.Task == cell.Task)
                .OrderBy(judged => judged.Judge, StringComparer.Ordinal)
                .Select(judged => new JudgedCellReport(
                    judged.Judge,
                    judged.Kind.ToString().ToLowerInvariant(),
                    judged.Measured(),
                    judged.Corrected,
                    judged.Samples,
                    judged.Unparsable,
                    judged.File,
                    judged.Sha256
                )
                {
                    Unscored = judged.Unscored ?? [],
                }),
        ];

    private static StageReport Stage(RunState state, StageTrained stage)
    {
        var (options, spec) = (state.Options, state.Curriculum.Stage(stage.Stage));
        var training = options.Training;
        var (batch, accumulation) = (options.BatchSizeOf(spec), options.AccumulationOf(spec));
        return new StageReport(
            stage.Task,
            stage.AdapterSha256,
            stage.ProjectorSha256,
            stage.Steps,
            stage.FinalLoss,
            stage.Seconds,
            stage.Tokens,
            new ScheduleReport(
                training.LearningRate,
                training.Schedule,
                (int)Math.Ceiling(stage.Steps * training.WarmupRatio),
                stage.Steps,
                batch * accumulation
            )
            {
                BatchSize = batch,
                Accumulation = accumulation,
                WorldSize = training.WorldSize,
            }
        )
        {
            Samples = spec.Learns.Sum(task => state.Started!.TrainingSamples[task]),
            Computation = stage.Computation,
            TakenFrom = stage.TakenFrom?.RunId,
        };
    }

    private static IEnumerable<DataFileReport> Files(RunStarted started, TaskOptions task, int index)
    {
        foreach (
            var (use, file, samples) in new[]
            {
                ("train", $"{task.Folder}/{task.TrainFile}", started.TrainingSamples[index]),
                ("test", $"{task.Folder}/{task.TestFile}", started.TestSamples[index]),
                ("validation", $"{task.Folder}/{task.ValidationFile}", started.ValidationSamples?[index] ?? 0),
                ("references", $"{task.Folder}/{task.ReferencesFile}", started.TestSamples[index]),
            }
        )
        {
            if (started.DataSha256.TryGetValue(file, out var sha256))
            {
                yield return new DataFileReport(task.Name, use, file, sha256, samples);
            }
        }
    }

    private static string PathOf(ExperimentOptions options, TaskOptions task, string file) =>
        Path.Combine(options.Data.Instructions, task.Folder, file);
}
