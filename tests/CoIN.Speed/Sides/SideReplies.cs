namespace CoIN.Speed.Sides;

/// <summary>What a side says when it is ready.</summary>
/// <param name="Gemm">
/// GFLOP/s of a plain product of two square matrices in the workload's type: of 1,024 rows on a CPU, of 8,192 on other devices.
/// </param>
internal sealed record SideHello(double Gemm, string Versions);

/// <summary>What a side says of one piece of work.</summary>
/// <param name="Loss">Mean loss, of training.</param>
/// <param name="Answers">Generated ids of each question, of evaluation.</param>
internal sealed record SideRun(double Seconds, double? Loss, IReadOnlyList<IReadOnlyList<int>>? Answers);
