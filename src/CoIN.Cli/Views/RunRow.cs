using CoIN.Benchmark.Runs;

namespace CoIN.Cli.Views;

/// <summary>A run of an experiment as a table shows it.</summary>
/// <param name="Name">Within the experiment.</param>
/// <param name="Id">What it is called on a command line.</param>
/// <param name="Last">Its last snapshot; null where it has not begun or cannot be read.</param>
/// <param name="Fault">Why it failed or cannot be read; null otherwise.</param>
internal sealed record RunRow(string Name, string Id, RunSnapshot? Last, string? Fault);
