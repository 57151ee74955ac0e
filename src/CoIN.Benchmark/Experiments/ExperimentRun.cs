namespace CoIN.Benchmark.Experiments;

/// <summary>One run of an experiment of several.</summary>
/// <param name="Name">
/// What tells it from the others, fit for a folder's name: the variant's name and the varied values, e.g. <c>ewc-seed2</c>.
/// </param>
/// <param name="Variant">The variant's name; null where the experiment names none.</param>
/// <param name="Values">The value of each varied key as it was written, by the key without <c>coin.</c>, e.g. <c>ewc.lambda</c>.</param>
public sealed record ExperimentRun(string Name, string? Variant, IReadOnlyDictionary<string, string> Values)
{
    /// <summary>The run's id.</summary>
    /// <param name="experiment">The experiment's id.</param>
    public string IdIn(string experiment) => $"{experiment}-{Name}";
}
