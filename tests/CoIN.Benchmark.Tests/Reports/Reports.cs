using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Methods;
using CoIN.Benchmark.Reports;

namespace CoIN.Benchmark.Tests.Reports;

/// <summary>Reports to write in tests.</summary>
internal static class Reports
{
    /// <summary>Two stages, complete.</summary>
    public static RunReport Sequential() =>
        new()
        {
            RunId = "tiny-42",
            Name = "tiny",
            Method = SequentialLora.Name,
            Seed = 42,
            Status = "completed",
            Tasks = ["GQA", "OCR-VQA"],
            BaseModelSha256 = "base0",
            Stages =
            [
                new(new(1, "GQA", "a1", "adapter1", "projector1", 10, 0.5, 1000, 12.25), new(2e-4, Schedule.Cosine, 1, 10, 16)),
                new(
                    new(2, "OCR-VQA", "a2", "adapter2", null, 20, 0.25, 2000, 24.5) { Computation = new("cuda:0", 8, "9.9") },
                    new(2e-4, Schedule.Constant, 2, 20, 32)
                    {
                        BatchSize = 16,
                        Accumulation = 2,
                        WorldSize = 2,
                    }
                )
                {
                    Samples = 200,
                },
            ],
            Cells =
            [
                new("OCR-VQA", new(2, 1, 70, 30, "p/2-2.jsonl", "p22")),
                new("GQA", new(1, 0, 50.128, 20, "p/1-1.jsonl", "p11")),
                new("GQA", new(2, 0, 40, 20, "p/2-1.jsonl", "p21")),
            ],
            DataFiles = [new("GQA", "train", "GQA/train.json", "d1", 100), new("GQA", "test", "GQA/test.json", "d2", 20)],
            Started = new DateTimeOffset(2025, 1, 2, 3, 4, 5, TimeSpan.FromHours(1)),
            Finished = new DateTimeOffset(2025, 1, 2, 5, 4, 5, TimeSpan.Zero),
        };

    /// <summary>Two tasks learned at once.</summary>
    public static RunReport MultiTask() =>
        Sequential() with
        {
            Method = CoIN.Benchmark.Methods.MultiTask.Name,
            Stages = [Of(Sequential().Stages[0], CoIN.Benchmark.Methods.MultiTask.Name)],
            Cells = [new("GQA", new(1, 0, 60, 20, "p/1-1.jsonl", "p11")), new("OCR-VQA", new(1, 1, 80, 30, "p/1-2.jsonl", "p12"))],
        };

    /// <summary>Two tasks answered by the base model.</summary>
    public static RunReport ZeroShot() =>
        Sequential() with
        {
            Method = CoIN.Benchmark.Methods.ZeroShot.Name,
            Stages = [],
            Cells = [new("GQA", new(0, 0, 5.5, 20, "p/0-1.jsonl", "p01")), new("OCR-VQA", new(0, 1, 0, 30, "p/0-2.jsonl", "p02"))],
        };

    /// <summary>A stage as of another task.</summary>
    public static StageReport Of(StageReport stage, string task) => stage with { Trained = stage.Trained with { Task = task } };
}
