using CoIN.Actors.Hosting;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Judging.UserStudy;
using CoIN.Benchmark.Reports;
using CoIN.Benchmark.Runs;
using CoIN.Cli.Engine;
using Microsoft.Extensions.Logging;

namespace CoIN.Cli.Tests.Support;

/// <summary>An engine that does as it is told and remembers what it was asked.</summary>
internal sealed class FakeEngine : IRunEngine, IMiniature
{
    public List<string> Asked { get; } = [];

    public List<ExperimentOptions> Checked { get; } = [];

    /// <summary>Faults of the model, and of the data, that a check finds.</summary>
    public List<string> ModelFaults { get; } = [];

    /// <summary>The devices that were checked last.</summary>
    public IReadOnlyList<string> Devices { get; private set; } = [];

    public List<string> DataFaults { get; } = [];

    public void Check(ExperimentOptions options, NodeSettings node, Problems problems, Action<string> warn)
    {
        Checked.Add(options);
        Devices = node.Devices;
        ModelFaults.ForEach(fault => problems.Add(fault));
    }

    public void CheckData(ExperimentOptions options, Problems problems) => DataFaults.ForEach(fault => problems.Add(fault));

    public RunTicket? Ticket { get; private set; }

    public ExperimentOptions? Options { get; private set; }

    public MiniGeneration? Generation { get; private set; }

    public MiniPretraining? Pretraining { get; private set; }

    /// <summary>What driving a run does.</summary>
    public Func<RunTicket, CancellationToken, RunSnapshot> Drive { get; set; } =
        (ticket, _) => Snapshots.Completed() with { RunId = ticket.RunId };

    /// <summary>What the journals say, by run id.</summary>
    public Dictionary<string, RunSnapshot?> Journals { get; } = [];

    /// <summary>What preparing data does.</summary>
    public Action<ExperimentOptions> Prepare { get; set; } = _ => { };

    public Task<RunSnapshot> RunAsync(RunTicket ticket, ExperimentOptions options, CancellationToken stop)
    {
        Asked.Add("run " + ticket.RunId);
        (Ticket, Options) = (ticket, options);
        ticket.LoggerFactory.CreateLogger("test").LogInformation("driving {What}", "a run");
        return Task.FromResult(Drive(ticket, stop));
    }

    public Task<RunSnapshot> ResumeAsync(RunTicket ticket, bool redo, CancellationToken stop)
    {
        Asked.Add($"resume {ticket.RunId}{(redo ? " again" : "")}");
        Ticket = ticket;
        return Task.FromResult(Drive(ticket, stop));
    }

    public ExperimentTicket? Experiment { get; private set; }

    public Task<IReadOnlyList<RunOutcome>> RunExperimentAsync(ExperimentTicket ticket, CancellationToken stop)
    {
        Asked.Add(
            $"{(ticket.Redo ? "redo" : "run")} {string.Join(' ', ticket.Runs.Select(run => run.RunId + (run.Options is null ? " again" : "")))}"
        );
        Experiment = ticket;
        return Task.FromResult<IReadOnlyList<RunOutcome>>([
            .. ticket.Runs.Select(run =>
            {
                var last = Drive(new RunTicket(run.RunId, run.RunFolder, ticket.Node, ticket.Observer, ticket.LoggerFactory), stop);
                Journals[run.RunId] = last;
                return new RunOutcome(run.RunId, last, null);
            }),
        ]);
    }

    public JudgeOptions? Judge { get; private set; }

    public Task<RunSnapshot> JudgeAsync(RunTicket ticket, JudgeOptions judge, CancellationToken stop)
    {
        Asked.Add("judge " + ticket.RunId);
        (Ticket, Judge) = (ticket, judge);
        return Task.FromResult(Drive(ticket, stop));
    }

    public Task<RunSnapshot> DismissAsync(string runFolder, string judge)
    {
        Asked.Add($"dismiss {judge} of {Path.GetFileName(runFolder)}");
        return Task.FromResult(Snapshots.Completed());
    }

    /// <summary>What drawing a study gives.</summary>
    public Func<string, int, int, Study> Draw { get; set; } = (_, _, _) => throw new NotSupportedException();

    /// <summary>What importing a study gives.</summary>
    public StudyImport? Import { get; set; }

    public (Study Study, string Images, string Key) DrawStudy(string runFolder, string cells, int count, int seed) =>
        (Draw(cells, count, seed), runFolder, Path.Combine(runFolder, "key.json"));

    public Task<StudyImport> ImportStudyAsync(string runFolder, IReadOnlyList<string> files, string judge)
    {
        Asked.Add($"import {string.Join(' ', files.Select(Path.GetFileName))} as {judge}");
        return Task.FromResult(Import!);
    }

    public Task<RunSnapshot?> ReadAsync(string runFolder, CancellationToken stop) =>
        Unreadable.Contains(Path.GetFileName(runFolder))
            ? throw new CoinException("The journal is damaged.") { IsFinal = true }
            : Task.FromResult(Journals.GetValueOrDefault(Path.GetFileName(runFolder)));

    /// <summary>Ids of runs whose journals cannot be read.</summary>
    public HashSet<string> Unreadable { get; } = [];

    /// <summary>Ids of runs that another process drives.</summary>
    public HashSet<string> Driven { get; } = [];

    public bool IsDriven(string runFolder) => Driven.Contains(Path.GetFileName(runFolder));

    /// <summary>Whether runs' folders may only be read.</summary>
    public bool ReadOnly { get; set; }

    /// <summary>What is wrong with a completed run's files.</summary>
    public CoinException? Damage { get; set; }

    public void Verify(string runFolder)
    {
        if (Damage is { } damage)
        {
            throw damage;
        }
    }

    public Task<IReadOnlyList<string>> ReportAsync(string runFolder, string? target, CancellationToken stop)
    {
        Asked.Add("report " + Path.GetFileName(runFolder));
        return ReadOnly && target is null
            ? throw new CoinException("Cannot write report.md.", new IOException("Read-only file system"))
            : Task.FromResult<IReadOnlyList<string>>([Path.Combine(target ?? runFolder, "report.md")]);
    }

    /// <summary>What scoring a run again comes to.</summary>
    public Rescoring Rescoring { get; set; } = new(0, [], []);

    public Task<Rescoring> RescoreAsync(string runFolder, CancellationToken stop)
    {
        Asked.Add("rescore " + Path.GetFileName(runFolder));
        return Task.FromResult(Rescoring);
    }

    /// <summary>What runs found, by run id.</summary>
    public Dictionary<string, RunReport> Reports { get; } = [];

    public Task<RunReport?> DescribeAsync(string runFolder, CancellationToken stop) =>
        Task.FromResult(Reports.GetValueOrDefault(Path.GetFileName(runFolder)));

    public Task PrepareAsync(ExperimentOptions options, Action<string> tell, CancellationToken stop)
    {
        Asked.Add("prepare");
        Prepare(options);
        return Task.CompletedTask;
    }

    public Task GenerateAsync(MiniGeneration options, Action<string> tell, CancellationToken stop)
    {
        Generation = options;
        return Task.CompletedTask;
    }

    public Task PretrainAsync(MiniPretraining options, Action<string> tell, CancellationToken stop)
    {
        Pretraining = options;
        return Task.CompletedTask;
    }
}
