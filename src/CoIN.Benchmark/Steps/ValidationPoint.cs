namespace CoIN.Benchmark.Steps;

/// <summary>The loss of a stage's held-out samples at one step: forward passes without dropout.</summary>
/// <param name="Step">Optimizer steps done.</param>
/// <param name="Loss">Nats per labelled token, the mean over all labelled tokens.</param>
/// <param name="Tokens">Labelled tokens.</param>
public sealed record ValidationPoint(int Step, double Loss, int Samples, long Tokens);

/// <summary>A stage's losses of held-out samples.</summary>
/// <param name="Stage">1-based.</param>
/// <param name="Name">What it learns.</param>
/// <param name="Points">In the steps' order.</param>
public sealed record StageValidation(int Stage, string Name, IReadOnlyList<ValidationPoint> Points);
