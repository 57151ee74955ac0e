using CoIN.Actors.Runs;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;

namespace CoIN.Cli.Engine;

/// <summary>Stands where no engine or miniature was composed in, and says so; the commands that need neither work.</summary>
internal sealed class Absent : IRunEngine, IMiniature
{
    public Task<RunSnapshot> RunAsync(RunTicket ticket, ExperimentOptions options, CancellationToken stop) => throw Fault();

    public Task<RunSnapshot> ResumeAsync(RunTicket ticket, CancellationToken stop) => throw Fault();

    public Task<RunSnapshot?> ReadAsync(string runFolder, CancellationToken stop) => throw Fault();

    public Task<IReadOnlyList<string>> ReportAsync(string runFolder, CancellationToken stop) => throw Fault();

    public Task PrepareAsync(ExperimentOptions options, Action<string> tell, CancellationToken stop) => throw Fault();

    public Task GenerateAsync(MiniGeneration options, Action<string> tell, CancellationToken stop) => throw Fault();

    public Task PretrainAsync(MiniPretraining options, Action<string> tell, CancellationToken stop) => throw Fault();

    private static CoinException Fault() => new("This program was composed without a run engine; only help and validate work.");
}
