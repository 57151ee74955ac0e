using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Reports.Examples;
using CoIN.Benchmark.Runs;
using CoIN.Benchmark.Scoring;

namespace CoIN.Benchmark.Work;

/// <summary>Looks through all data of an experiment before it begins: what there is, and what a run would stumble over.</summary>
/// <param name="aids">As <see cref="BenchmarkWork"/>'s, as is <paramref name="inspector"/>.</param>
internal sealed class DataSurvey(DrawnSamples drawn, IReportAids? aids, IImageInspector? inspector)
{
    /// <inheritdoc cref="IBenchmarkWork.Describe"/>
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
                hashes[$"{task.Folder}/{task.TrainFile}"] = Durable.Sha256(DrawnSamples.PathOf(options, task, task.TrainFile));
                if (task.ValidationFile is { } file)
                {
                    hashes[$"{task.Folder}/{file}"] = Durable.Sha256(DrawnSamples.PathOf(options, task, file));
                }
            }
            else
            {
                training.Add(0);
                validation.Add(0);
            }

            test.Add(CheckedTest(options, task, images, bad, skipped));
            hashes[$"{task.Folder}/{task.TestFile}"] = Durable.Sha256(DrawnSamples.PathOf(options, task, task.TestFile));
            if (task.ReferencesFile is { } references)
            {
                hashes[$"{task.Folder}/{references}"] = Durable.Sha256(DrawnSamples.PathOf(options, task, references));
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
        var (samples, validation) = DrawnSamples.Training(options, task);
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
            var file = DrawnSamples.PathOf(
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
            drawn.Test(options, task),
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
}
