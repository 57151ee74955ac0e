namespace CoIN.Benchmark.Methods;

/// <summary>
/// How the tasks of a run are learned, as far as stages and tests go. What happens within a training step is the models' part.
/// </summary>
public interface IMethod
{
    /// <summary>Its key in configurations, e.g. <c>sequential-lora</c>.</summary>
    string Key { get; }

    /// <summary>
    /// The record of its own options, all with defaults; null for none. They are read from the configuration's section of the method's key,
    /// property by property (<c>coin.ewc.lambda</c>), kept with the experiment, and found again by <c>ExperimentOptions.OptionsOf</c>.
    /// </summary>
    Type? Options => null;

    /// <summary>The stages of a run.</summary>
    /// <param name="tasks">Names of the tasks in the order of learning.</param>
    Curriculum Curriculum(IReadOnlyList<string> tasks);
}
