using CoIN.Benchmark.Metrics;

namespace CoIN.Benchmark.Reports;

/// <summary>What the numbers that sum a matrix up are called in reports.</summary>
/// <param name="Name">Short, for tables.</param>
/// <param name="Unit"><c>%</c> or <c>points</c>.</param>
/// <param name="Meaning">A sentence.</param>
internal sealed record MetricName(string Name, string Unit, string Meaning)
{
    /// <summary>Of each number.</summary>
    public static MetricSet<MetricName> All { get; } =
        new(
            new("MAA", "%", "Mean average accuracy: over the stages, the mean accuracy on all tasks learned so far"),
            new(
                "BWT",
                "points",
                "Backward transfer: mean change from just after a task's own stage to the end, divided by the number of tasks; negative is forgetting"
            ),
            new("Last average", "%", "Mean accuracy on all tasks at the end"),
            new("Just-trained average", "%", "Mean accuracy on each task just after its own stage"),
            new("Forgetting", "points", "Mean drop from the best accuracy on a task to that at the end, without the last task"),
            new("Learning gain", "points", "Mean of the accuracy just after a task's own stage less that of the untrained model"),
            new("Forward transfer", "points", "Mean of the accuracy just before a task's own stage less that of the untrained model")
        );
}
