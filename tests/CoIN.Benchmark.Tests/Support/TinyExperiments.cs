using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Methods;

namespace CoIN.Benchmark.Tests.Support;

internal static class TinyExperiments
{
    public static ExperimentOptions Of(int tasks, string method = SequentialLora.Name, int checkpointEvery = 5) =>
        new()
        {
            Name = "test",
            Method = method,
            Tasks =
            [
                .. Enumerable
                    .Range(1, tasks)
                    .Select(i => new TaskOptions
                    {
                        Name = $"Task{i}",
                        Folder = $"t{i}",
                        Scorer = "gqa",
                    }),
            ],
            Data = new DataOptions { Instructions = "i", Images = "p" },
            Model = new ModelOptions { Path = "m" },
            Training = new TrainingOptions { CheckpointEvery = checkpointEvery },
            Evaluation = new EvaluationOptions { BatchSize = 2, ShardSize = 3 },
        };

    public static CoinException NaN => new("the loss is NaN; lower training.learning-rate");
}
