using CoIN.Actors.Runs;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;

namespace CoIN.Actors.Work;

/// <summary>What the data of an experiment is.</summary>
/// <param name="Sha256">SHA-256 of every data file, by path.</param>
/// <param name="TrainingSamples">Training samples of each task, in the tasks' order; zeros where nothing is trained.</param>
/// <param name="TestSamples">Test samples of each task, in the tasks' order.</param>
public sealed record DataDescription(IReadOnlyDictionary<string, string> Sha256, IReadOnlyList<int> TrainingSamples, IReadOnlyList<int> TestSamples);

/// <summary>The benchmark as the actors see it: samples, scores, files. Called from workers' threads; every method may be called from several at once.</summary>
public interface IBenchmarkWork
{
    /// <summary>Reads and checks all data of an experiment.</summary>
    /// <exception cref="Benchmark.CoinException">Something is missing or malformed.</exception>
    DataDescription Describe(ExperimentOptions options);

    /// <summary>Training samples of a task.</summary>
    IReadOnlyList<TrainingSample> Training(ExperimentOptions options, TaskOptions task);

    /// <summary>Test samples of a task.</summary>
    IReadOnlyList<TestSample> Test(ExperimentOptions options, TaskOptions task);

    /// <summary>Truth Alignment by the published rule.</summary>
    /// <returns>Percent, and over how many samples.</returns>
    (double Accuracy, int Samples) Score(TaskOptions task, IReadOnlyList<TestSample> samples, IReadOnlyList<Prediction> predictions);

    void WritePredictions(string path, IReadOnlyList<Prediction> predictions);

    IReadOnlyList<Prediction> ReadPredictions(string path);

    /// <summary>Writes the reports of a run.</summary>
    /// <returns>Their paths.</returns>
    IReadOnlyList<string> WriteReports(string runFolder, RunState state);
}
