using CoIN.Actors.Hosting;
using CoIN.Actors.Journal;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Judging.UserStudy;
using CoIN.Benchmark.Reports;
using CoIN.Benchmark.Runs;
using CoIN.Benchmark.Work;
using CoIN.Models.Families.Qwen2;
using CoIN.Models.Imaging;
using CoIN.Models.Inspection;
using CoIN.Models.Learning;
using Microsoft.Extensions.Logging;

namespace CoIN.Cli.Engine;

/// <summary>The actors with models and CoIN's data.</summary>
internal sealed class RunEngine : IRunEngine
{
    public void Check(ExperimentOptions options, NodeSettings node, Problems problems, Action<string> warn)
    {
        ModelCheck.Check(options, node.Devices, problems, warn);
        if (options.Judge is { } judge && !problems.Concern("coin.judge"))
        {
            problems.Try(() => Judges(warn).Check(judge), "coin.judge");
        }
    }

    public void CheckData(ExperimentOptions options, Problems problems) => Work().Check(options, problems);

    public Task<RunSnapshot> RunAsync(RunTicket ticket, ExperimentOptions options, CancellationToken stop) =>
        DriveAsync(ticket, options, null, redo: false, stop);

    public Task<RunSnapshot> ResumeAsync(RunTicket ticket, bool redo, CancellationToken stop) => DriveAsync(ticket, null, null, redo, stop);

    public async Task<IReadOnlyList<RunOutcome>> RunExperimentAsync(ExperimentTicket ticket, CancellationToken stop)
    {
        var log = ticket.LoggerFactory.CreateLogger("CoIN.Models");
        void Warn(string warning) => log.LogWarning("{Warning}", warning);
        using var learners = Learners(ticket.Node, log);
        return await ExperimentHost
            .RunAsync(
                new ExperimentRequest(
                    ticket.Folder,
                    [
                        .. ticket.Runs.Select(run => new RunRequest(run.RunId, run.RunFolder, run.Options, ticket.Node)
                        {
                            Redo = ticket.Redo,
                        }),
                    ],
                    ticket.Node,
                    ticket.Reuse
                ),
                learners,
                Judges(Warn, ticket.Node.Local),
                Work(ticket.Node.Local),
                ticket.Observer,
                ticket.LoggerFactory,
                stop
            )
            .ConfigureAwait(false);
    }

    public Task<RunSnapshot> JudgeAsync(RunTicket ticket, JudgeOptions judge, CancellationToken stop) =>
        DriveAsync(ticket, null, judge, redo: false, stop);

    public async Task<RunSnapshot> DismissAsync(string runFolder, string judge) =>
        (await RunChanges.DismissAsync(runFolder, judge, WorkOf(runFolder)).ConfigureAwait(false)).State.ToSnapshot();

    public Task<RunSnapshot?> ReadAsync(string runFolder, CancellationToken stop) => Task.FromResult(RunJournal.Watch(runFolder));

    public bool IsDriven(string runFolder) => RunJournal.IsDriven(runFolder);

    public void Verify(string runFolder)
    {
        if (RunJournal.Look(runFolder) is { } state)
        {
            RunFiles.Verify(runFolder, state);
        }
    }

    public Task<IReadOnlyList<string>> ReportAsync(string runFolder, string? target, CancellationToken stop)
    {
        var state = RunJournal.Look(runFolder)
            ?? throw new CoinException($"The run in {runFolder} has not begun; there is nothing to report.");
        return Task.FromResult(WorkOf(runFolder).WriteReports(runFolder, state, target));
    }

    public (Study Study, string Images, string Key) DrawStudy(string runFolder, string cells, int count, int seed) =>
        RunChanges.DrawStudy(runFolder, cells, count, seed, WorkOf(runFolder));

    public Task<StudyImport> ImportStudyAsync(string runFolder, IReadOnlyList<string> files, string judge) =>
        RunChanges.ImportStudyAsync(runFolder, files, judge, WorkOf(runFolder));

    public Task<RunReport?> DescribeAsync(string runFolder, CancellationToken stop) =>
        Task.FromResult(RunJournal.Look(runFolder) is { } state ? WorkOf(runFolder).Describe(state) : null);

    public Task<Rescoring> RescoreAsync(string runFolder, CancellationToken stop) =>
        RunChanges.RescoreAsync(runFolder, WorkOf(runFolder), stop);

    /// <param name="paths">Where this host has a local judge's model; null where its options say.</param>
    internal static JudgeFactory Judges(Action<string> warn, LocalPaths? paths = null) =>
        new(new LocalJudgeFactory(warn, paths), Environment.GetEnvironmentVariable);

    /// <param name="paths">Where this host has data and models; null where options say.</param>
    internal static BenchmarkWork Work(LocalPaths? paths = null) => new(new ReportAids(), new ImageInspector(), paths);

    private static BenchmarkWork WorkOf(string runFolder) => Work(OwnPaths.Of(runFolder));

    internal static LearnerFactory Learners(NodeSettings node, ILogger log) =>
        new(warning => log.LogWarning("{Warning}", warning), word => log.LogInformation("{Word}", word), node.ModelsKept, node.Local);

    private static async Task<RunSnapshot> DriveAsync(
        RunTicket ticket,
        ExperimentOptions? options,
        JudgeOptions? judge,
        bool redo,
        CancellationToken stop
    )
    {
        var log = ticket.LoggerFactory.CreateLogger("CoIN.Models");
        void Warn(string warning) => log.LogWarning("{Warning}", warning);
        using var learners = Learners(ticket.Node, log);
        return await RunHost
            .RunAsync(
                new RunRequest(ticket.RunId, ticket.RunFolder, options, ticket.Node, judge) { Redo = redo },
                learners,
                Judges(Warn, ticket.Node.Local),
                Work(ticket.Node.Local),
                ticket.Observer,
                ticket.LoggerFactory,
                stop
            )
            .ConfigureAwait(false);
    }
}
