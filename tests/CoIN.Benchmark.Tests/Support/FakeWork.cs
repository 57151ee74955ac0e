using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Runs;
using CoIN.Benchmark.Scoring;

namespace CoIN.Benchmark.Tests.Support;

/// <summary>A benchmark in memory: an answer is right when it is an even hexadecimal digit.</summary>
internal sealed class FakeWork(int testSamples = 7) : IBenchmarkWork
{
    public string DataSha256 { get; set; } = "d0";

    /// <summary>SHA-256 of further data files, by path.</summary>
    public Dictionary<string, string> OtherData { get; } = [];

    public DataDescription Describe(ExperimentOptions options) =>
        new(
            new Dictionary<string, string>(OtherData) { ["train.json"] = DataSha256 },
            [.. options.Tasks.Select(_ => 10)],
            [.. options.Tasks.Select(_ => testSamples)]
        )
        {
            ValidationSamples = options.Data.Validation > 0 ? [.. options.Tasks.Select(_ => (int)options.Data.Validation)] : null,
        };

    public IReadOnlyList<TrainingSample> Validation(ExperimentOptions options, TaskOptions task) =>
        [
            .. Enumerable
                .Range(0, (int)options.Data.Validation)
                .Select(i => new TrainingSample($"{task.Name}-held-{i}", null, [new("human", "q"), new("gpt", "a")])),
        ];

    public IReadOnlyList<TrainingSample> Training(ExperimentOptions options, TaskOptions task) =>
        [.. Enumerable.Range(0, 10).Select(i => new TrainingSample($"{task.Name}-{i}", null, [new("human", "q"), new("gpt", "a")]))];

    public IReadOnlyList<TestSample> Test(ExperimentOptions options, TaskOptions task) =>
        [.. Enumerable.Range(0, testSamples).Select(i => new TestSample($"{task.Name}-{i}", null, "q", "0"))];

    /// <summary>The digit from which on the corrected rule calls an even answer right.</summary>
    public char CorrectedFrom { get; set; } = '4';

    public CellScores Score(TaskOptions task, IReadOnlyList<TestSample> samples, IReadOnlyList<Prediction> predictions)
    {
        SampleScore[] scores =
        [
            .. predictions.Select(one => new SampleScore(
                one.QuestionId,
                Even(one) ? 1 : 0,
                Even(one) && one.Text[0] >= CorrectedFrom ? 1 : 0
            )),
        ];
        return new CellScores(
            100.0 * scores.Sum(one => one.Published)!.Value / samples.Count,
            samples.Count,
            100.0 * scores.Sum(one => one.Corrected)!.Value / samples.Count,
            samples.Count,
            scores
        );

        static bool Even(Prediction one) => "02468ace".Contains(one.Text, StringComparison.Ordinal);
    }

    public void WriteScores(string path, IReadOnlyList<SampleScore> scores) => ScoresFile.Write(path, scores);

    public void WritePredictions(string path, IReadOnlyList<Prediction> predictions) =>
        Durable.WriteText(path, string.Concat(predictions.Select(one => $"{one.QuestionId}\t{one.Text}\n")));

    public IReadOnlyList<Prediction> ReadPredictions(string path) =>
        [.. File.ReadAllLines(path).Select(line => line.Split('\t')).Select(parts => new Prediction(parts[0], parts[1]))];

    public IReadOnlyList<string> WriteReports(string runFolder, RunState state, string? target = null)
    {
        Durable.WriteText(Path.Combine(target ?? runFolder, "report.txt"), state.Status.ToString());
        return ["report.txt"];
    }

    public IReadOnlyList<string> WriteComparison(IReadOnlyList<(RunState State, string Folder)> runs, string target)
    {
        Durable.WriteText(
            Path.Combine(target, "comparison.json"),
            string.Join('\n', runs.Select(run => $"{Path.GetFileName(run.Folder)} {run.State.Status}"))
        );
        return ["comparison.json"];
    }
}
