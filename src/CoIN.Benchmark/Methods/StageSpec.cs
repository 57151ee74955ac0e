namespace CoIN.Benchmark.Methods;

/// <summary>
/// One stage of a run: what it learns, and what is tested after it. Tasks are named by their 0-based places in the order.
/// </summary>
/// <param name="Number">From 1 for stages that are trained; 0 for the base model, which learns nothing.</param>
/// <param name="Name">For people and for the stage's folder.</param>
/// <param name="Learns">The tasks on which it trains; none for the base model.</param>
/// <param name="Tests">The tasks on which its adapter is tested.</param>
/// <param name="ContinuesFrom">Number of the stage whose adapter is trained further; null for a fresh one.</param>
public sealed record StageSpec(int Number, string Name, IReadOnlyList<int> Learns, IReadOnlyList<int> Tests, int? ContinuesFrom = null)
{
    /// <summary>Whether there is anything to train.</summary>
    public bool Trains => Learns.Count > 0;
}
