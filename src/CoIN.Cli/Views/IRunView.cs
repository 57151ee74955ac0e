using CoIN.Benchmark.Runs;

namespace CoIN.Cli.Views;

/// <summary>What a person sees of a run while it goes on.</summary>
internal interface IRunView : IRunObserver, IDisposable
{
    /// <summary>Shows a sentence that is not from the run itself; returns at once.</summary>
    void Tell(string notice);
}
