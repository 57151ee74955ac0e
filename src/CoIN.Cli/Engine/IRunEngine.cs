using CoIN.Actors.Hosting;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Judging.UserStudy;
using CoIN.Benchmark.Reports;
using CoIN.Benchmark.Runs;
using Microsoft.Extensions.Logging;

namespace CoIN.Cli.Engine;

/// <summary>What drives runs and reads their journals, as the commands see it.</summary>
internal interface IRunEngine
{
    /// <summary>Notes what is wrong with an experiment's model, adapter, judge and devices, without loading them.</summary>
    /// <param name="problems">May hold problems of the configuration already; what rests on those is not checked.</param>
    /// <param name="warn">Receives sentences about what is unusual but not wrong.</param>
    void Check(ExperimentOptions options, NodeSettings node, Problems problems, Action<string> warn);

    /// <summary>Notes what in an experiment's samples would end a run of it. The data are there.</summary>
    /// <param name="problems">As for <see cref="Check"/>.</param>
    void CheckData(ExperimentOptions options, Problems problems);

    /// <summary>Starts a run in its new, empty folder and drives it until it is completed, failed or stopped.</summary>
    /// <param name="stop">
    /// Asks to stop at the next resumable point; the run then ends as <see cref="RunStatus.Stopped"/>, without an exception.
    /// </param>
    /// <returns>The last snapshot.</returns>
    /// <exception cref="CoinException">Something the user can mend.</exception>
    Task<RunSnapshot> RunAsync(RunTicket ticket, ExperimentOptions options, CancellationToken stop);

    /// <summary>Takes a run up again from its journal.</summary>
    /// <param name="stop">As in <see cref="RunAsync"/>.</param>
    /// <exception cref="CoinException">The journal cannot be read, or another process drives the run.</exception>
    /// <param name="redo">Whether to do again what was lost of it.</param>
    Task<RunSnapshot> ResumeAsync(RunTicket ticket, bool redo, CancellationToken stop);

    /// <summary>
    /// Drives the runs of an experiment side by side, new ones and those that have begun, until each is completed, failed or stopped.
    /// </summary>
    /// <param name="stop">As in <see cref="RunAsync"/>, of all runs.</param>
    /// <returns>In the order of the runs.</returns>
    /// <exception cref="CoinException">Another process drives the experiment.</exception>
    Task<IReadOnlyList<RunOutcome>> RunExperimentAsync(ExperimentTicket ticket, CancellationToken stop);

    /// <summary>
    /// Where a run stands by its journal, read beside a process that may be driving it; null where there is no journal yet.
    /// </summary>
    Task<RunSnapshot?> ReadAsync(string runFolder, CancellationToken stop);

    /// <summary>Whether a process drives the run now.</summary>
    bool IsDriven(string runFolder);

    /// <summary>Makes sure that the files of a run that lacks nothing are as its journal says.</summary>
    /// <exception cref="CoinException">Some are missing or other ones; the message names them and the remedy.</exception>
    void Verify(string runFolder);

    /// <summary>Writes a run's report files anew from its journal.</summary>
    /// <param name="target">The folder that they are written into; null for the run's.</param>
    /// <returns>Their paths.</returns>
    Task<IReadOnlyList<string>> ReportAsync(string runFolder, string? target, CancellationToken stop);

    /// <summary>What a run found, read from its journal; null where there is no journal yet.</summary>
    Task<RunReport?> DescribeAsync(string runFolder, CancellationToken stop);

    /// <summary>Has a run that lacks nothing but judgements judged, without its model.</summary>
    /// <param name="stop">As in <see cref="RunAsync"/>.</param>
    /// <exception cref="CoinException">The run is not that far, its files are not those of then, or another process drives it.</exception>
    Task<RunSnapshot> JudgeAsync(RunTicket ticket, JudgeOptions judge, CancellationToken stop);

    /// <summary>Asks a judge of a run no more.</summary>
    /// <returns>Where the run stands then.</returns>
    /// <exception cref="CoinException">The run has no such judge, or another process drives it.</exception>
    Task<RunSnapshot> DismissAsync(string runFolder, string judge);

    /// <summary>Draws a user study and keeps its key in the run's folder.</summary>
    /// <returns>The study, the folder of its images, and the key's path.</returns>
    (Study Study, string Images, string Key) DrawStudy(string runFolder, string cells, int count, int seed);

    /// <summary>Reads people's scores into a run.</summary>
    /// <exception cref="CoinException">A file is wrong, or another process drives the run.</exception>
    Task<StudyImport> ImportStudyAsync(string runFolder, IReadOnlyList<string> files, string judge);

    /// <summary>Scores a run's predictions again and writes what changed to its journal.</summary>
    /// <exception cref="CoinException">Another process drives the run, or its files are not those that its journal names.</exception>
    Task<Rescoring> RescoreAsync(string runFolder, CancellationToken stop);
}

/// <summary>What the engine is given to drive a run.</summary>
/// <param name="RunId">Name of the run and of its folder.</param>
/// <param name="RunFolder">Absolute path.</param>
/// <param name="Node">What this process lends.</param>
/// <param name="Observer">Sees every snapshot; does not block.</param>
/// <param name="LoggerFactory">Writes to the run's log; owned by the caller.</param>
internal sealed record RunTicket(string RunId, string RunFolder, NodeSettings Node, IRunObserver Observer, ILoggerFactory LoggerFactory);
