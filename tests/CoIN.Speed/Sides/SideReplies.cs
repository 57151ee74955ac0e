namespace CoIN.Speed.Sides;

/// <summary>What a side says when it is ready.</summary>
/// <param name="Gemm">GFLOP/s of a plain product of two 1024 × 1024 matrices in the workload's type.</param>
internal sealed record SideHello(double Gemm, string Versions);

/// <summary>What a side says of one piece of work.</summary>
/// <param name="Loss">Mean loss, of training.</param>
/// <param name="Answers">Generated ids of each question, of evaluation.</param>
internal sealed record SideRun(double Seconds, double? Loss, IReadOnlyList<IReadOnlyList<int>>? Answers);
