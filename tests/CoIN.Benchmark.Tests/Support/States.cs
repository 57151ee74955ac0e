using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Learning;
using CoIN.Benchmark.Runs;

namespace CoIN.Benchmark.Tests.Support;

/// <summary>States of runs that nobody drove, made of events.</summary>
internal static class States
{
    public static RunState Begun(ExperimentOptions options) =>
        RunState.Empty.With(
            new RunStarted(
                "r",
                options,
                new Dictionary<string, string>(),
                [.. options.Tasks.Select(_ => 10)],
                [.. options.Tasks.Select(_ => 7)]
            )
        );

    public static RunState With(this RunState state, params RunEvent[] events) => state.After(events);

    /// <summary>The state when stages are trained; their adapters lie in the folder.</summary>
    public static RunState WithStages(this RunState state, string runFolder, int stages) =>
        Enumerable
            .Range(1, stages)
            .Aggregate(state, (known, stage) =>
            {
                var adapter = RunPaths.Adapter(stage, $"Task{stage}");
                var weights = Path.Combine(runFolder, adapter, AdapterFiles.Weights);
                Durable.WriteText(weights, $"weights {stage}");
                return known.With(new StageTrained(stage, $"Task{stage}", adapter, Durable.Sha256(weights), null, 12, 0.5, 100, 1));
            });

    /// <summary>The state when a cell is scored as the run's work scores it; its files lie in the folder.</summary>
    /// <param name="answers">One digit for each of the test set's answers.</param>
    public static RunState WithCell(this RunState state, string runFolder, int stage, int task, string answers, IBenchmarkWork work)
    {
        var options = state.Options.Tasks[task];
        var samples = work.Test(state.Options, options);
        var (file, scoresFile) = (RunPaths.Predictions(stage, options.Name), RunPaths.Scores(stage, options.Name));
        work.WritePredictions(
            Path.Combine(runFolder, file),
            [.. samples.Zip(answers, (sample, answer) => new Prediction(sample.QuestionId, $"{answer}"))]
        );
        var scores = work.Score(options, samples, work.ReadPredictions(Path.Combine(runFolder, file)));
        work.WriteScores(Path.Combine(runFolder, scoresFile), scores.Scores);
        return state.With(
            new CellScored(stage, task, scores.Accuracy, scores.Samples, file, Durable.Sha256(Path.Combine(runFolder, file)))
            {
                Corrected = scores.Corrected,
                CorrectedSamples = scores.CorrectedSamples,
                ScoresFile = scoresFile,
                ScoresSha256 = Durable.Sha256(Path.Combine(runFolder, scoresFile)),
            }
        );
    }
}
