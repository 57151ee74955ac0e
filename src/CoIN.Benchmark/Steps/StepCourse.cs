namespace CoIN.Benchmark.Steps;

/// <summary>Neighbouring steps as one point of a curve.</summary>
/// <param name="First">First step.</param>
/// <param name="Last">Last step.</param>
/// <param name="Mean">Mean of their losses.</param>
/// <param name="Least">The lowest.</param>
/// <param name="Most">The highest.</param>
public readonly record struct CoursePoint(int First, int Last, double Mean, double Least, double Most)
{
    /// <summary>Where it stands on the axis of steps.</summary>
    public double Middle => (First + Last) / 2.0;
}

/// <summary>A stage's training in numbers, over all processes that had a part in it.</summary>
/// <param name="Steps">Steps done.</param>
/// <param name="TotalSteps">Steps of the whole stage.</param>
/// <param name="LastLoss">Mean loss of the last steps, as many as <paramref name="LastCount"/>.</param>
/// <param name="LastCount">How many steps that mean is of.</param>
/// <param name="Tokens">Sequence positions.</param>
/// <param name="Seconds">Time of the steps; steps that were done again after a kill count once.</param>
/// <param name="PeakMemory">Most resident memory of the process, in bytes.</param>
/// <param name="Points">The loss as a curve of few points.</param>
public sealed record StepCourse(
    int Steps,
    int TotalSteps,
    double LastLoss,
    int LastCount,
    long Tokens,
    double Seconds,
    long PeakMemory,
    IReadOnlyList<CoursePoint> Points
)
{
    /// <summary>A small chart shows no more.</summary>
    public const int UsualPoints = 120;

    private const int LongestEnd = 10;

    /// <summary>Sequence positions a second; null where no time was measured.</summary>
    public double? TokensPerSecond => Seconds > 0 ? Tokens / Seconds : null;

    /// <summary>Sums steps up.</summary>
    /// <param name="steps">In their order.</param>
    /// <param name="points">The curve has at most so many.</param>
    /// <returns>Null for no steps.</returns>
    public static StepCourse? Of(IReadOnlyList<StepRecord> steps, int points = UsualPoints)
    {
        if (steps.Count == 0)
        {
            return null;
        }

        var end = Math.Min(LongestEnd, steps.Count);
        return new StepCourse(
            steps[^1].Step,
            steps[^1].Of,
            steps.Skip(steps.Count - end).Average(step => step.Loss),
            end,
            steps.Sum(step => (long)step.Tokens),
            steps.Sum(step => step.Seconds),
            steps.Max(step => step.Memory),
            Thinned(steps, points)
        );
    }

    /// <summary>Joins neighbours so that at most so many points are left.</summary>
    public static IReadOnlyList<CoursePoint> Thinned(IReadOnlyList<StepRecord> steps, int points)
    {
        var each = (int)Math.Ceiling(steps.Count / (double)points);
        return
        [
            .. steps
                .Where(step => double.IsFinite(step.Loss))
                .Chunk(Math.Max(each, 1))
                .Select(group => new CoursePoint(
                    group[0].Step,
                    group[^1].Step,
                    group.Average(step => step.Loss),
                    group.Min(step => step.Loss),
                    group.Max(step => step.Loss)
                )),
        ];
    }
}
