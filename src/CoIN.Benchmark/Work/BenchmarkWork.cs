using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Predictions;
using CoIN.Benchmark.Reports;
using CoIN.Benchmark.Reports.Comparison;
using CoIN.Benchmark.Reports.Examples;
using CoIN.Benchmark.Reports.Results;
using CoIN.Benchmark.Runs;
using CoIN.Benchmark.Scoring;

namespace CoIN.Benchmark.Work;

/// <summary>The benchmark on CoIN's folders of samples and images.</summary>
/// <param name="aids">Reads pictures and models for reports; null for reports without.</param>
/// <param name="inspector">Decodes images before a run that leaves bad ones out; null where no such run is begun.</param>
/// <param name="paths">Where this host has the files; null where the configuration says.</param>
public sealed class BenchmarkWork(IReportAids? aids = null, IImageInspector? inspector = null, LocalPaths? paths = null) : IBenchmarkWork
{
    private readonly DrawnSamples drawn = new();

    private DataSurvey Survey => new(drawn, aids, inspector);

    /// <inheritdoc/>
    public LocalPaths Paths { get; } = paths ?? LocalPaths.Same;

    /// <inheritdoc/>
    public DataDescription Describe(ExperimentOptions options) => Survey.Describe(Paths.Here(options));

    /// <summary>Notes what in the data of an experiment would end a run of it, of each file the first fault.</summary>
    /// <param name="problems">Files of which it holds a problem already are not looked at.</param>
    public void Check(ExperimentOptions options, Problems problems) => Survey.Check(Paths.Here(options), problems);

    /// <inheritdoc/>
    public IReadOnlyList<TrainingSample> Training(ExperimentOptions options, TaskOptions task) =>
        DrawnSamples.WithoutSkipped(options, DrawnSamples.Training(Paths.Here(options), task).Training, sample => sample.Images);

    /// <inheritdoc/>
    public IReadOnlyList<TrainingSample> Validation(ExperimentOptions options, TaskOptions task) =>
        DrawnSamples.WithoutSkipped(options, DrawnSamples.Training(Paths.Here(options), task).Validation, sample => sample.Images);

    /// <inheritdoc/>
    public IReadOnlyList<TestSample> Test(ExperimentOptions options, TaskOptions task) =>
        DrawnSamples.WithoutSkipped(options, drawn.Test(Paths.Here(options), task), sample => sample.Images);

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
            new ExampleData(task => SamplesOfThen(state, task), Paths.Here(state.Options.Data.Images), aids),
            target
        );

    /// <inheritdoc/>
    public IReadOnlyList<string> WriteComparison(IReadOnlyList<(RunState State, string Folder)> runs, string target) =>
        ComparisonFiles.Write([.. runs.Select(run => new ReportedRun(Describe(run.State), run.Folder))], target);

    /// <summary>A run's report, with what its base model is.</summary>
    public RunReport Describe(RunState state) => RunReport.Of(state) with { Model = aids?.Describe(Paths.Here(state.Options.Model)) };

    /// <summary>A task's test samples if they are still those that the run was tested on.</summary>
    private IReadOnlyList<TestSample>? SamplesOfThen(RunState state, string name)
    {
        var task = state.Options.Tasks.First(one => one.Name == name);
        var path = DrawnSamples.PathOf(Paths.Here(state.Options), task, task.TestFile);
        try
        {
            return RunFiles.ChangedTestFile(state, task, Paths) is null && File.Exists(path) ? Test(state.Options, task) : null;
        }
        catch (Exception e) when (e is CoinException or IOException or UnauthorizedAccessException)
        {
            // A report of numbers does without examples.
            return null;
        }
    }
}
