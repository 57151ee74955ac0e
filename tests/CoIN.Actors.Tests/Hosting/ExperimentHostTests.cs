using System.Collections.Concurrent;
using CoIN.Actors.Hosting;
using CoIN.Actors.Journal;
using CoIN.Actors.Tests.Support;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Methods;
using CoIN.Benchmark.Runs;
using CoIN.Benchmark.Steps;
using Microsoft.Extensions.Logging.Abstractions;

namespace CoIN.Actors.Tests.Hosting;

public sealed class ExperimentHostTests : IDisposable
{
    private const int Steps = 12;

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Runs_side_by_side_end_as_each_would_by_itself_with_reuse_and_without(bool reuse)
    {
        var trained = 0;
        var runs = Three();
        var outcomes = await Run("e", runs, new FakeLearners(Steps, atStep: (_, _) => Interlocked.Increment(ref trained)), reuse);
        Assert.All(outcomes, outcome => Assert.Equal(RunStatus.Completed, outcome.Last!.Status));
        Assert.Equal(["e-a", "e-b", "e-c"], outcomes.Select(outcome => outcome.RunId));

        // a and b differ in how they are tested only.
        Assert.Equal((reuse ? 2 : 3) * 3 * Steps, trained);
        foreach (var (name, options) in runs)
        {
            await Alone("alone-" + name, options);
            Assert.Equal(Contents("alone-" + name), Contents("e-" + name));
        }

        var (first, second) = (State("e-a"), State("e-b"));
        var takers = new[] { first, second }.Where(state => state.Trained.Values.Any(stage => stage.TakenFrom is not null)).ToList();
        Assert.Equal(reuse, takers.Count > 0);
        Assert.All(State("e-c").Trained.Values, stage => Assert.Null(stage.TakenFrom));
        Assert.All([first, second], state => Assert.All(state.Cells.Values, cell => Assert.Null(cell.TakenFrom)));
        foreach (var stage in reuse ? Enumerable.Range(1, 3) : [])
        {
            var (one, other) = (first.Trained[stage].TakenFrom, second.Trained[stage].TakenFrom);
            Assert.Single(new[] { one, other }.OfType<ResultSource>());
            Assert.Equal(one is null ? "e-a" : "e-b", (one ?? other)!.RunId);

            // The course of the training goes with what it came to.
            var steps = folder.Of($"e-a/{RunPaths.Steps(stage, $"Task{stage}")}");
            Assert.Equal(Steps, StepsFile.Read(steps).Count);
            Assert.Equal(File.ReadAllText(steps), File.ReadAllText(steps.Replace("e-a", "e-b", StringComparison.Ordinal)));
        }
    }

    [Fact]
    public async Task The_base_model_s_row_is_tested_once_though_the_runs_differ_in_their_seed()
    {
        var zero = TinyExperiments.Of(2, ZeroShot.Name);
        var outcomes = await Run("z", [("a", zero with { Seed = 1 }), ("b", zero with { Seed = 2 })], new FakeLearners());
        Assert.All(outcomes, outcome => Assert.Equal(RunStatus.Completed, outcome.Last!.Status));
        var (first, second) = (State("z-a"), State("z-b"));
        for (var task = 0; task < 2; task++)
        {
            Assert.Single(new[] { first.Cells[(0, task)].TakenFrom, second.Cells[(0, task)].TakenFrom }.OfType<ResultSource>());
            Assert.Equal(first.Cells[(0, task)].Sha256, second.Cells[(0, task)].Sha256);
        }

        Assert.Equal(first.BaseModelSha256, second.BaseModelSha256);
    }

    [Fact]
    public async Task Stopped_at_any_point_and_resumed_together_they_end_as_each_would_by_itself()
    {
        var runs = Three();
        var random = new Random(3);
        var (rounds, done) = (0, false);
        for (; !done; rounds++)
        {
            using var stop = new CancellationTokenSource();
            var (after, seen) = (random.Next(8, 40), 0);
            var outcomes = await Run(
                "p",
                [.. runs.Select(run => (run.Name, rounds == 0 || !Began("p-" + run.Name) ? run.Options : null))],
                new FakeLearners(Steps, stepMilliseconds: 10),
                see: _ =>
                {
                    if (Interlocked.Increment(ref seen) == after)
                    {
                        stop.Cancel();
                    }
                },
                stop: stop.Token
            );
            Assert.All(outcomes, outcome =>
                Assert.True(outcome.Last is null or { Status: RunStatus.Completed or RunStatus.Stopped }, outcome.Last?.Message)
            );
            done = outcomes.All(outcome => outcome.Last?.Status == RunStatus.Completed);
        }

        Assert.InRange(rounds, 3, 100);
        foreach (var (name, options) in runs)
        {
            await Alone("alone-" + name, options);
            Assert.Equal(Contents("alone-" + name), Contents("p-" + name));
        }
    }

    [Fact]
    public async Task A_run_that_fails_does_not_stop_the_others_and_what_it_had_begun_is_done_by_the_next()
    {
        var (failed, left) = (0, 1);
        var learners = new FakeLearners(Steps, atStep: (stage, step) =>
        {
            if ((stage, step) == (2, 7) && Interlocked.Exchange(ref left, 0) == 1)
            {
                failed++;
                throw TinyExperiments.NaN;
            }
        });
        var outcomes = await Run("f", Three(), learners);
        Assert.Equal(1, failed);
        var broken = Assert.Single(outcomes, outcome => outcome.Last!.Status != RunStatus.Completed);
        Assert.Equal((RunStatus.Failed, TinyExperiments.NaN.Message), (broken.Last!.Status, broken.Last.Message));
    }

    [Fact]
    public async Task A_run_that_cannot_be_taken_up_is_told_and_the_others_go_on()
    {
        Directory.CreateDirectory(folder.Of("t-b"));
        File.WriteAllText(folder.Of("t-b/journal.db"), new string('x', 5000));
        var outcomes = await Run("t", Three(), new FakeLearners());
        Assert.Equal([RunStatus.Completed, null, RunStatus.Completed], outcomes.Select(outcome => outcome.Last?.Status));
        Assert.Contains("journal.db", outcomes[1].Fault!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_result_whose_files_are_not_those_of_the_journal_is_computed_again()
    {
        var runs = Three();
        await Alone("d-a", runs[0].Options);
        await Alone("alone-b", runs[1].Options);
        var spoiled = new ConcurrentBag<string>();
        var outcomes = await Run("d", [("a", null), ("b", runs[1].Options)], new FakeLearners(Steps), see: _ =>
        {
            // After the check at the beginning, as another program might.
            if (spoiled.IsEmpty)
            {
                spoiled.Add("stage 1");
                File.AppendAllText(folder.Of("d-a/stages/1-Task1/adapter/adapter_model.safetensors"), "x");
            }
        });
        Assert.Equal(RunStatus.Completed, outcomes[1].Last!.Status);
        Assert.Equal(Contents("alone-b"), Contents("d-b"));
    }

    [Fact]
    public async Task Two_processes_do_not_drive_an_experiment_at_once()
    {
        using var held = RunLock.Take(folder.Of("l"));
        var fault = await Assert.ThrowsAsync<CoinException>(() => Run("l", Three(), new FakeLearners()));
        Assert.Contains("is being driven by", fault.Message, StringComparison.Ordinal);
    }

    private static (string Name, ExperimentOptions? Options)[] Three()
    {
        var options = TinyExperiments.Of(3);
        return
        [
            ("a", options with { Seed = 1 }),
            ("b", options with { Seed = 1, Evaluation = options.Evaluation with { BatchSize = 3 } }),
            ("c", options with { Seed = 2 }),
        ];
    }

    private bool Began(string id) => RunJournal.Read(folder.Of(id)) is not null;

    private RunState State(string id) => RunJournal.Read(folder.Of(id))!;

    private Task<IReadOnlyList<RunOutcome>> Run(
        string id,
        IReadOnlyList<(string Name, ExperimentOptions? Options)> runs,
        FakeLearners learners,
        bool reuse = true,
        Action<RunSnapshot>? see = null,
        CancellationToken stop = default
    ) =>
        ExperimentHost
            .RunAsync(
                new ExperimentRequest(
                    folder.Of(id),
                    [
                        .. runs.Select(run => new RunRequest(
                            $"{id}-{run.Name}",
                            folder.Of($"{id}-{run.Name}"),
                            run.Options,
                            new NodeSettings()
                        )),
                    ],
                    new NodeSettings(),
                    reuse
                ),
                learners,
                new FakeJudges(),
                new FakeWork(),
                new Witness(see),
                NullLoggerFactory.Instance,
                stop
            )
            .WaitAsync(TimeSpan.FromSeconds(60));

    private Task<RunSnapshot> Alone(string id, ExperimentOptions? options) =>
        RunHost
            .RunAsync(
                new RunRequest(id, folder.Of(id), options, new NodeSettings()),
                new FakeLearners(Steps),
                new FakeJudges(),
                new FakeWork(),
                new Witness(),
                NullLoggerFactory.Instance,
                CancellationToken.None
            )
            .WaitAsync(TimeSpan.FromSeconds(60));

    /// <summary>Every adapter and prediction of a run, and its matrix.</summary>
    private List<string> Contents(string id) =>
        [
            .. Directory
                .GetFiles(folder.Of(id), "*", SearchOption.AllDirectories)
                .Select(path => Path.GetRelativePath(folder.Of(id), path))
                .Where(path => new[] { "stages", "predictions", "scores" }.Any(part => path.StartsWith(part, StringComparison.Ordinal)))
                .Order(StringComparer.Ordinal)
                .Select(path => $"{path}: {File.ReadAllText(Path.Combine(folder.Of(id), path))}"),
            .. State(id).ToSnapshot().Cells.SelectMany(row => row).Select(cell => $"{cell}"),
            .. State(id).Trained.Values.Select(stage => $"{stage.AdapterSha256} {stage.FolderSha256}"),
        ];
}
