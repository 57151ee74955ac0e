namespace CoIN.Benchmark.Methods;

/// <summary>Options of a method that takes a number of samples of every task that it has learned.</summary>
public interface ITakesSamples
{
    /// <summary>How many of each task; 0 for none. A task must have as many training samples.</summary>
    int OfEachTask { get; }
}
