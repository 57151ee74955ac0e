using CoIN.Benchmark.Runs;

namespace CoIN.Cli.Tests.Support;

/// <summary>Snapshots of a made-up run, from its beginning to its end.</summary>
internal static class Snapshots
{
    public static readonly string[] Tasks = ["ScienceQA", "TextVQA", "ImageNet", "GQA", "VizWiz", "Grounding", "VQAv2", "OCR-VQA"];

    /// <summary>Reasoning Capability of LLaVA-7B in the paper's default order; MAA and BWT are printed there.</summary>
    private static readonly double[][] Paper =
    [
        [92],
        [92, 75],
        [70, 28, 97],
        [92, 65, 37, 72],
        [89, 44, 51, 57, 42],
        [98, 84, 98, 75, 70, 58],
        [85, 68, 59, 68, 40, 49, 75],
        [82, 74, 55, 56, 47, 52, 58, 78],
    ];

    public static RunSnapshot Of(int stages, RunStatus status = RunStatus.Running) =>
        new()
        {
            RunId = "20261124-090000-mini-s42",
            Status = status,
            Tasks = Tasks,
            Stages = Tasks,
            Cells = [.. Paper.Select((row, j) => (IReadOnlyList<double?>)[.. row.Select(cell => j < stages ? cell : (double?)null)])],
            StagesTrained = stages,
            Elapsed = TimeSpan.FromSeconds(45 * stages),
        };

    public static RunSnapshot Completed() => Of(8, RunStatus.Completed);

    /// <summary>Stage <paramref name="stage"/> at a step, the stage before it half tested.</summary>
    public static RunSnapshot Training(int stage, int step) =>
        Of(stage - 1) with
        {
            Training = new TrainingProgress(
                stage,
                Tasks[stage - 1],
                step,
                120,
                0,
                1,
                new StepFigures(2.5 / (1 + step), 2e-3 * (1 - (step / 120.0))),
                5312.4
            ),
            Remaining = TimeSpan.FromSeconds(400 - step),
            Evaluations = stage < 2 ? [] : [new EvaluationProgress(stage - 1, Tasks[stage - 2], step * 4, 500)],
            Cells = [.. Of(stage - 1).Cells.Select((row, j) => j == stage - 2 ? [.. row.Take(row.Count - 1), null] : row)],
        };
}
