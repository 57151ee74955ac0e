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
                new("GQA", "adapter1", "projector1", 10, 0.5, 12.25, 1000, new(2e-4, Schedule.Cosine, 1, 10, 16)),
                new(
                    "OCR-VQA",
                    "adapter2",
                    null,
                    20,
                    0.25,
                    24.5,
                    2000,
                    new(2e-4, Schedule.Constant, 2, 20, 32)
                    {
                        BatchSize = 16,
                        Accumulation = 2,
                        WorldSize = 2,
                    }
                )
                {
                    Samples = 200,
                    Computation = new("cuda:0", 8, "9.9"),
                },
            ],
            Cells =
            [
                new(2, "OCR-VQA", 70, 30, "p/2-2.jsonl", "p22"),
                new(1, "GQA", 50.128, 20, "p/1-1.jsonl", "p11"),
                new(2, "GQA", 40, 20, "p/2-1.jsonl", "p21"),
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
            Stages = [Sequential().Stages[0] with { Task = CoIN.Benchmark.Methods.MultiTask.Name }],
            Cells = [new(1, "GQA", 60, 20, "p/1-1.jsonl", "p11"), new(1, "OCR-VQA", 80, 30, "p/1-2.jsonl", "p12")],
        };

    /// <summary>Two tasks answered by the base model.</summary>
    public static RunReport ZeroShot() =>
        Sequential() with
        {
            Method = CoIN.Benchmark.Methods.ZeroShot.Name,
            Stages = [],
            Cells = [new(0, "GQA", 5.5, 20, "p/0-1.jsonl", "p01"), new(0, "OCR-VQA", 0, 30, "p/0-2.jsonl", "p02")],
        };
}
