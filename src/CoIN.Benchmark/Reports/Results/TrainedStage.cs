using CoIN.Benchmark.Steps;

namespace CoIN.Benchmark.Reports.Results;

/// <summary>How the training of a stage went.</summary>
/// <param name="Stage">1-based.</param>
/// <param name="Name">What it learned.</param>
/// <param name="Course">Its steps, summed up.</param>
internal sealed record TrainedStage(int Stage, string Name, StepCourse Course)
{
    /// <summary>Reads what there is of a run.</summary>
    /// <exception cref="CoinException">A file cannot be read.</exception>
    public static IReadOnlyList<TrainedStage> Of(RunReport report, string folder) =>
        [
            .. report
                .Steps.Select(stage => (Stage: stage, Course: StepCourse.Of(StepsFile.Read(Path.Combine(folder, stage.File)))))
                .Where(one => one.Course is not null)
                .Select(one => new TrainedStage(one.Stage.Stage, one.Stage.Name, one.Course!)),
        ];
}
