namespace CoIN.Benchmark.Runs;

/// <summary>What scoring a run again came to.</summary>
/// <param name="Cells">How many cells were scored.</param>
/// <param name="Changes">The cells that have other numbers or another scores file than before, in the order of stages and tasks.</param>
/// <param name="Reports">Paths of the reports, written anew.</param>
public sealed record Rescoring(int Cells, IReadOnlyList<RescoredCell> Changes, IReadOnlyList<string> Reports);

/// <summary>A cell before and after it was scored again. All numbers are percentages.</summary>
/// <param name="Stage">From 1; 0 for the base model.</param>
/// <param name="Task">Task name.</param>
/// <param name="CorrectedBefore">Null where the run had no corrected scores.</param>
public sealed record RescoredCell(
    int Stage,
    string Task,
    double PublishedBefore,
    double Published,
    double? CorrectedBefore,
    double Corrected
);
