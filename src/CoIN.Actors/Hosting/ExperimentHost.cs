using Akka.Actor;
using CoIN.Actors.Journal;
using CoIN.Actors.Scheduling;
using CoIN.Actors.Workers;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Learning;
using CoIN.Benchmark.Runs;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Newtonsoft.Json;

namespace CoIN.Actors.Hosting;

/// <summary>An experiment of several runs to drive.</summary>
/// <param name="Folder">Absolute path of the experiment's folder: whoever drives it holds a lock in it.</param>
/// <param name="Runs">In the order in which they are begun.</param>
/// <param name="Node">What this process lends to all of them.</param>
/// <param name="Reuse">Whether what runs have in common is computed once.</param>
public sealed record ExperimentRequest(string Folder, IReadOnlyList<RunRequest> Runs, NodeSettings Node, bool Reuse);

/// <summary>How a run of an experiment ended.</summary>
/// <param name="Last">The last snapshot; null where it could not be taken up or its supervisor broke.</param>
/// <param name="Fault">Why; null otherwise.</param>
public sealed record RunOutcome(string RunId, RunSnapshot? Last, CoinException? Fault);

/// <summary>Drives the runs of an experiment side by side: one supervisor each, one scheduler and one pool of workers for all.</summary>
public static class ExperimentHost
{
    /// <summary>Drives the runs until each is completed, failed or stopped. A run that fails does not stop the others.</summary>
    /// <param name="observer">Sees the snapshots of all runs.</param>
    /// <param name="stop">Asks all to stop at their next resumable point.</param>
    /// <returns>In the order of the runs.</returns>
    /// <exception cref="CoinException">Another process drives the experiment.</exception>
    public static async Task<IReadOnlyList<RunOutcome>> RunAsync(
        ExperimentRequest request,
        ILearnerFactory learners,
        IJudgeFactory judges,
        IBenchmarkWork work,
        IRunObserver observer,
        ILoggerFactory logs,
        CancellationToken stop
    )
    {
        using var held = RunLock.Take(request.Folder);
        var locks = new Dictionary<string, RunLock>(StringComparer.Ordinal);
        try
        {
            var outcomes = new Dictionary<string, RunOutcome>(StringComparer.Ordinal);
            var taken = await TakeUpAsync(request, judges, work, logs, locks, outcomes, stop).ConfigureAwait(false);
            var runs = taken.Where(one => one.Done is null).Select(one => new DrivenRun(one)).ToList();
            foreach (var run in runs)
            {
                _ = locks[run.Request.RunFolder].Lost.ContinueWith(_ => RunHost.Taken(run), TaskScheduler.Default);
            }

            if (runs.Count > 0 && !stop.IsCancellationRequested)
            {
                await DriveAsync(
                        runs,
                        [.. taken.Where(one => one.Done is not null)],
                        request,
                        learners,
                        judges,
                        work,
                        observer,
                        logs,
                        outcomes,
                        stop
                    )
                    .ConfigureAwait(false);
            }

            return
            [
                .. request.Runs.Select(run =>
                    outcomes.GetValueOrDefault(run.RunFolder)
                    ?? new RunOutcome(run.RunId, RunJournal.Look(run.RunFolder)?.ToSnapshot(), null)
                ),
            ];
        }
        finally
        {
            locks.Values.ToList().ForEach(one => one.Dispose());
        }
    }

    /// <summary>Takes up all runs that can be; why another cannot is its outcome.</summary>
    private static async Task<IReadOnlyList<TakenUp>> TakeUpAsync(
        ExperimentRequest request,
        IJudgeFactory judges,
        IBenchmarkWork work,
        ILoggerFactory logs,
        Dictionary<string, RunLock> locks,
        Dictionary<string, RunOutcome> outcomes,
        CancellationToken stop
    )
    {
        // Runs that differ in other things than their data have the same ones: large files are hashed once.
        var described = new Dictionary<string, DataDescription>(StringComparer.Ordinal);
        DataDescription Describe(ExperimentOptions options)
        {
            var key = JsonConvert.SerializeObject(
                new
                {
                    options.Data,
                    options.Tasks,
                    options.Method,
                    options.Seed,
                }
            );
            return described.TryGetValue(key, out var known) ? known : described[key] = work.Describe(options);
        }

        var taken = new List<TakenUp>();
        foreach (var run in request.Runs)
        {
            if (stop.IsCancellationRequested)
            {
                break;
            }

            try
            {
                locks.Add(run.RunFolder, RunLock.Take(run.RunFolder, run.Node.Cluster.Database));
                LiveProgress.Remove(run.RunFolder);
                var one = await RunHost.TakeUpAsync(run, judges, work, Describe, logs).ConfigureAwait(false);
                taken.Add(one);
                if (one.Done is { } done)
                {
                    outcomes[run.RunFolder] = new RunOutcome(one.Request.RunId, done, null);
                }
            }
            catch (CoinException fault)
            {
                logs.CreateLogger("CoIN.Actors.Hosting").LogError("Run {RunId} cannot be taken up: {Fault}", run.RunId, fault.Message);
                outcomes[run.RunFolder] = new RunOutcome(run.RunId, null, fault);
            }
        }

        return taken;
    }

    private static async Task DriveAsync(
        IReadOnlyList<DrivenRun> runs,
        IReadOnlyList<TakenUp> known,
        ExperimentRequest request,
        ILearnerFactory learners,
        IJudgeFactory judges,
        IBenchmarkWork work,
        IRunObserver observer,
        ILoggerFactory logs,
        Dictionary<string, RunOutcome> outcomes,
        CancellationToken stop
    )
    {
        using var caches = new JudgementCaches();
        using var seen = new LiveFiles(runs.ToDictionary(run => run.Request.RunId, run => run.Request.RunFolder), observer);
        using var host = RunHost.Build(runs, request.Node, request.Reuse, known, learners, judges, caches, work, seen, logs);
        await host.StartAsync(CancellationToken.None).ConfigureAwait(false);
        var copies = new List<IAsyncDisposable>();
        try
        {
            await using var registration = stop.Register(() =>
            {
                foreach (var run in runs)
                {
                    _ = RunHost.StopAsync(run);
                }
            });
            copies.AddRange(runs.Select(run => JournalFollower.Start(run.Request.RunFolder, logs.CreateLogger("CoIN.Actors.Hosting"))));
            foreach (var run in runs)
            {
                try
                {
                    outcomes[run.Request.RunFolder] = new RunOutcome(run.Request.RunId, await run.Ended.Task.ConfigureAwait(false), null);
                }
                catch (CoinException fault)
                {
                    outcomes[run.Request.RunFolder] = new RunOutcome(run.Request.RunId, null, fault);
                }
            }
        }
        finally
        {
            foreach (var copy in copies)
            {
                await copy.DisposeAsync().ConfigureAwait(false);
            }

            await host.StopAsync(CancellationToken.None).ConfigureAwait(false);
        }
    }
}
