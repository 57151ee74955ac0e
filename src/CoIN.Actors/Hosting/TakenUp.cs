using CoIN.Benchmark.Runs;

namespace CoIN.Actors.Hosting;

/// <summary>A run that a process takes up.</summary>
/// <param name="State">By its journal; null where that is empty.</param>
/// <param name="Start">The first event, should the journal be empty; null for a run that has everything.</param>
/// <param name="Done">The last snapshot of a run that has everything; else null.</param>
internal sealed record TakenUp(RunRequest Request, RunState? State, RunStarted? Start, RunSnapshot? Done);
