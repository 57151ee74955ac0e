namespace CoIN.Benchmark.Experiments;

/// <summary>
/// Where a piece of work was computed, and by which program: sums in another order, or of other kernels, give other last bits.
/// </summary>
/// <param name="Device">E.g. <c>cpu</c> or <c>cuda:0</c>.</param>
/// <param name="Threads">Compute threads on the host.</param>
/// <param name="Version">Of this program.</param>
public sealed record Computation(string Device, int Threads, string Version);
