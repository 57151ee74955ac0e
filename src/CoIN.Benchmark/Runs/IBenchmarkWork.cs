using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Scoring;

namespace CoIN.Benchmark.Runs;

/// <summary>What the data of an experiment is.</summary>
/// <param name="Sha256">SHA-256 of every data file, by path.</param>
/// <param name="TrainingSamples">Training samples of each task, in the tasks' order; zeros where nothing is trained.</param>
/// <param name="TestSamples">Test samples of each task, in the tasks' order.</param>
public sealed record DataDescription(
    IReadOnlyDictionary<string, string> Sha256,
    IReadOnlyList<int> TrainingSamples,
    IReadOnlyList<int> TestSamples
)
{
    /// <summary>Samples of each task whose loss is taken at checkpoints, in the tasks' order; null where there are none.</summary>
    public IReadOnlyList<int>? ValidationSamples { get; init; }

    /// <summary>What the images are; null where there are none to look at.</summary>
    public ImageList? Images { get; init; }

    /// <summary>The samples that are left out.</summary>
    public IReadOnlyList<SkippedSample> Skipped { get; init; } = [];

    /// <summary>Their images, to be written into the run's options; null where bad samples end the run.</summary>
    public IReadOnlyList<string>? SkippedImages { get; init; }
}

/// <summary>Truth Alignment of a cell.</summary>
/// <param name="Accuracy">By the published rule, in percent.</param>
/// <param name="Samples">How many samples that rule counted.</param>
/// <param name="Corrected">By the corrected rule, in percent.</param>
/// <param name="CorrectedSamples">How many samples that rule counted.</param>
/// <param name="Scores">Both scores of every sample, in the order of the test set.</param>
public sealed record CellScores(double Accuracy, int Samples, double Corrected, int CorrectedSamples, IReadOnlyList<SampleScore> Scores);

/// <summary>
/// The benchmark as the actors see it: samples, scores, files. Called from workers' threads; every method may be called from several at
/// once.
/// </summary>
public interface IBenchmarkWork
{
    /// <summary>
    /// Where this host has the files that options name; options are given to every method as the run's configuration has them.
    /// </summary>
    LocalPaths Paths => LocalPaths.Same;

    /// <summary>Reads and checks all data of an experiment.</summary>
    /// <exception cref="Benchmark.CoinException">Something is missing or malformed.</exception>
    DataDescription Describe(ExperimentOptions options);

    /// <summary>Training samples of a task, without those that are held out.</summary>
    IReadOnlyList<TrainingSample> Training(ExperimentOptions options, TaskOptions task);

    /// <summary>Samples of a task whose loss is taken at checkpoints and that are not trained on.</summary>
    IReadOnlyList<TrainingSample> Validation(ExperimentOptions options, TaskOptions task) => [];

    /// <summary>Test samples of a task.</summary>
    IReadOnlyList<TestSample> Test(ExperimentOptions options, TaskOptions task);

    /// <summary>Truth Alignment by both scorings.</summary>
    /// <exception cref="Benchmark.CoinException">Predictions and samples do not belong together.</exception>
    CellScores Score(TaskOptions task, IReadOnlyList<TestSample> samples, IReadOnlyList<Prediction> predictions);

    void WritePredictions(string path, IReadOnlyList<Prediction> predictions);

    void WriteScores(string path, IReadOnlyList<SampleScore> scores);

    IReadOnlyList<Prediction> ReadPredictions(string path);

    /// <summary>Writes the reports of a run.</summary>
    /// <param name="target">The folder to write them into; null for the run's.</param>
    /// <returns>Their paths.</returns>
    IReadOnlyList<string> WriteReports(string runFolder, RunState state, string? target = null);

    /// <summary>Writes the comparison of runs in all forms.</summary>
    /// <param name="runs">Two or more with their folders; the others are compared with the first.</param>
    /// <returns>The files' paths.</returns>
    IReadOnlyList<string> WriteComparison(IReadOnlyList<(RunState State, string Folder)> runs, string target);
}
