namespace CoIN.Benchmark.Methods;

/// <summary>How the tasks of a run are learned, as far as stages and tests go. What happens within a training step is the models' part.</summary>
public interface IMethod
{
    /// <summary>Its key in configurations, e.g. <c>sequential-lora</c>.</summary>
    string Key { get; }

    /// <summary>The stages of a run.</summary>
    /// <param name="tasks">Names of the tasks in the order of learning.</param>
    Curriculum Curriculum(IReadOnlyList<string> tasks);
}
