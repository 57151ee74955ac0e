using CoIN.Actors.Hosting;
using CoIN.Actors.Journal;
using CoIN.Actors.Tests.Support;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Runs;
using CoIN.Benchmark.Work;
using Microsoft.Extensions.Logging.Abstractions;

namespace CoIN.Actors.Tests.Hosting;

public sealed class JudgingTests : IDisposable
{
    private static readonly JudgeOptions Judge = new()
    {
        Name = "strict",
        Kind = JudgeKind.OpenAi,
        Endpoint = "http://x/v1",
        Model = "m",
    };

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Every_cell_is_judged_by_the_configured_judge_and_both_parsers_are_kept()
    {
        var last = await Run("a", Judged(2), new FakeJudges());
        Assert.True(last.Status == RunStatus.Completed, last.Message);
        Assert.Equal(
            [
                [true],
                [true, true],
            ],
            last.Judgements.Single().Cells.Select(row => row.Select(cell => cell is not null))
        );

        var state = RunJournal.Read(folder.Of("a"))!;
        foreach (var cell in state.Judgements.Values)
        {
            var judgements = JudgementsFile.Read(Path.Combine(folder.Of("a"), cell.File));
            Assert.Equal(7, judgements.Count);
            Assert.Equal(
                (cell.Published, cell.Corrected, cell.Unparsable),
                (JudgedScores.Of(judgements).Published, JudgedScores.Of(judgements).Corrected, judgements.Count(one => one.Reply == "hm"))
            );
        }

        Assert.Contains(state.Judgements.Values, cell => cell.Corrected == 100);
    }

    [Fact]
    public async Task Replies_without_a_score_are_no_number_and_their_reasons_are_kept()
    {
        var last = await Run("empty", Judged(1), new FakeJudges { Reply = _ => new JudgeReply("<think> maybe 7", JudgeReply.Length) });
        Assert.True(last.Status == RunStatus.Completed, last.Message);
        var judged = last.Judgements.Single();
        Assert.All(judged.Cells.SelectMany(row => row), Assert.Null);
        Assert.Equal((7, 7), (judged.Samples, judged.Unparsable));
        Assert.Equal([new UnscoredReplies(JudgeReply.Length, true, 7)], judged.Unscored);

        var report = new BenchmarkWork().Describe(RunJournal.Read(folder.Of("empty"))!);
        var cell = Assert.Single(report.Cells[0].Judgements);
        Assert.Equal((null, null, 7), (cell.Measured(), cell.Corrected, cell.Unparsable));
        Assert.Equal(judged.Unscored, cell.Unscored);
    }

    [Fact]
    public async Task Stopped_while_judging_and_resumed_it_asks_nothing_twice_and_ends_with_the_same_bytes()
    {
        await Run("whole", Judged(3), new FakeJudges());
        var judges = new FakeJudges { Before = stop => Task.Delay(15, stop) };
        var options = Judged(3);
        var rounds = 0;
        for (var status = RunStatus.Starting; status != RunStatus.Completed; rounds++)
        {
            using var stop = new CancellationTokenSource();
            var seen = judges.Asked.Count;
            var last = await Run(
                "pieces",
                rounds == 0 ? options : null,
                judges,
                new Witness(_ =>
                {
                    if (judges.Asked.Count >= seen + 6)
                    {
                        stop.Cancel();
                    }
                }),
                stop.Token,
                judgesAtOnce: 1
            );
            status = last.Status;
            Assert.True(status is RunStatus.Completed or RunStatus.Stopped, last.Message);
        }

        Assert.InRange(rounds, 2, 50);
        Assert.Equal(Judgements("whole"), Judgements("pieces"));
        Assert.Equal(judges.Asked.Count, judges.Asked.Distinct().Count());
    }

    [Fact]
    public async Task A_judge_that_is_down_stops_neither_training_nor_testing_and_a_resume_asks_again()
    {
        var judges = new FakeJudges { Down = "the endpoint is down" };
        var learners = new FakeLearners(stepMilliseconds: 5);
        var last = await Run("down", Judged(3), judges, learners: learners);
        Assert.Equal((RunStatus.Completed, null), (last.Status, last.Message));
        Assert.Equal("the endpoint is down", last.JudgingFaults["strict"]);
        Assert.Equal(RunStatus.Completed, RunJournal.Read(folder.Of("down"))!.Status);
        Assert.All(last.Cells.SelectMany(row => row), cell => Assert.NotNull(cell));
        Assert.Equal(3, last.StagesTrained);

        judges.Down = null;
        var opened = learners.Opened;
        var resumed = await Run("down", null, judges, learners: learners);
        Assert.Equal(RunStatus.Completed, resumed.Status);
        Assert.Empty(resumed.JudgingFaults);
        Assert.Equal(opened, learners.Opened);
        await Run("whole", Judged(3), new FakeJudges());
        Assert.Equal(Judgements("whole"), Judgements("down"));
    }

    [Fact]
    public async Task A_judge_that_recovers_while_the_run_trains_is_asked_again_by_itself()
    {
        var judges = new FakeJudges { Down = "for a moment", Reply = _ => new JudgeReply("7") };
        var last = await Run(
            "moment",
            Judged(3),
            judges,
            new Witness(snapshot =>
            {
                if (snapshot.Training is { Stage: 3 })
                {
                    judges.Down = null;
                }
            }),
            learners: new FakeLearners(stepMilliseconds: 20)
        );
        Assert.True(last.Status == RunStatus.Completed, last.Message);
        Assert.Equal(6, last.Judgements.Single().Cells.Sum(row => row.Count(cell => cell is not null)));
    }

    [Fact]
    public async Task A_completed_run_is_judged_by_another_judge_without_its_model_and_stands_as_it_was()
    {
        var options = Judged(2);
        await Run("twice", options, new FakeJudges());
        var before = RunJournal.Read(folder.Of("twice"))!;
        var learners = new FakeLearners();
        var judges = new FakeJudges();
        var last = await Run("twice", null, judges, learners: learners, judge: Judge with { Name = "mild", Model = "n" });

        Assert.True(last.Status == RunStatus.Completed, last.Message);
        Assert.Equal(["mild", "strict"], last.Judgements.Select(one => one.Judge));
        Assert.Equal(0, learners.Opened);
        Assert.Equal("n", Assert.Single(judges.Opened.Distinct()).Model);
        Assert.Equal(before.LastAt, RunJournal.Read(folder.Of("twice"))!.LastAt);

        // The same judge once more has nothing to do.
        var idle = new FakeJudges();
        await Run("twice", null, idle, judge: Judge with { Name = "mild", Model = "n" });
        Assert.Empty(idle.Asked);
    }

    [Fact]
    public async Task A_completed_run_stays_completed_when_another_judge_fails()
    {
        await Run("stays", Judged(1), new FakeJudges());
        var before = RunJournal.Read(folder.Of("stays"))!;
        var last = await Run(
            "stays",
            null,
            new FakeJudges { Down = "no such host" },
            judge: Judge with
            {
                Name = "mistyped",
                Model = "typo",
            }
        );

        Assert.Equal(RunStatus.Completed, last.Status);
        Assert.Equal("no such host", last.JudgingFaults["mistyped"]);
        var after = RunJournal.Read(folder.Of("stays"))!;
        Assert.Equal((RunStatus.Completed, before.LastAt, before.Driven), (after.Status, after.LastAt, after.Driven));
        Assert.Equal(["strict"], after.Judgements.Values.Select(one => one.Judge));

        // One that is down does not keep another from judging.
        var both = await Run("stays", null, new FakeJudges(), judge: Judge with { Name = "third", Model = "n" });
        Assert.Empty(both.JudgingFaults);
        Assert.Equal(["mistyped", "strict", "third"], both.Judgements.Select(one => one.Judge));
    }

    [Fact]
    public async Task A_completed_run_stays_completed_when_judging_it_is_stopped()
    {
        await Run("halted", TinyExperiments.Of(1), new FakeJudges());
        using var stop = new CancellationTokenSource();
        var last = await Run(
            "halted",
            null,
            new FakeJudges
            {
                Before = wait =>
                {
                    stop.Cancel();
                    return Task.Delay(1000, wait);
                },
            },
            stop: stop.Token,
            judge: Judge
        );
        Assert.Equal(RunStatus.Completed, last.Status);
        Assert.Equal(RunStatus.Completed, RunJournal.Read(folder.Of("halted"))!.Status);
    }

    [Fact]
    public async Task A_judge_of_the_same_name_but_another_model_takes_the_place_of_the_former()
    {
        await Run("replaced", Judged(1), new FakeJudges());
        var judges = new FakeJudges();
        await Run("replaced", null, judges, judge: Judge with { Model = "n" });
        Assert.NotEmpty(judges.Asked);
        var state = RunJournal.Read(folder.Of("replaced"))!;
        Assert.Equal(("n", "n"), (Assert.Single(state.Judgements.Values).Model, Assert.Single(state.Judges.Values).Model));
    }

    [Fact]
    public async Task What_a_former_version_of_a_judge_judged_is_judged_again_when_it_is_asked_for()
    {
        await Run("former", Judged(1), new FakeJudges());
        var cell = Assert.Single(RunJournal.Read(folder.Of("former"))!.Judgements.Values);
        await JournalAppender.AppendAsync("former", folder.Of("former"), [cell with { Identity = "another" }]);

        var last = await Run("former", null, new FakeJudges(), judge: Judge);
        Assert.True(last.Status == RunStatus.Completed, last.Message);
        Assert.Equal(JudgeIdentity.Of(Judge), Assert.Single(RunJournal.Read(folder.Of("former"))!.Judgements.Values).Identity);
    }

    [Fact]
    public async Task A_run_that_still_needs_its_model_is_not_judged_before_its_end()
    {
        using var stop = new CancellationTokenSource();
        await Run(
            "unfinished",
            TinyExperiments.Of(2),
            new FakeJudges(),
            new Witness(snapshot =>
            {
                if (snapshot.Training is { Step: > 2 })
                {
                    stop.Cancel();
                }
            }),
            stop.Token,
            learners: new FakeLearners(stepMilliseconds: 20)
        );
        var fault = await Assert.ThrowsAsync<CoinException>(() => Run("unfinished", null, new FakeJudges(), judge: Judge));
        Assert.Contains("resume unfinished", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_judge_that_cannot_be_opened_is_refused_before_the_run_knows_it()
    {
        await Run("unusable", TinyExperiments.Of(1), new FakeJudges());
        var fault = await Assert.ThrowsAsync<CoinException>(() =>
            Run("unusable", null, new FakeJudges { Unusable = "no such folder" }, judge: Judge)
        );
        Assert.Equal("no such folder", fault.Message);
        var state = RunJournal.Read(folder.Of("unusable"))!;
        Assert.Equal(RunStatus.Completed, state.Status);
        Assert.Empty(state.Judges);
    }

    [Fact]
    public async Task A_dismissed_judge_no_longer_keeps_the_run_from_being_completed()
    {
        await Run("dismissed", Judged(1), new FakeJudges { Down = "gone for good" });
        var (state, _) = await RunChanges.DismissAsync(folder.Of("dismissed"), "strict", new FakeWork());
        Assert.Equal(RunStatus.Completed, state.Status);
        var fault = await Assert.ThrowsAsync<CoinException>(() =>
            RunChanges.DismissAsync(folder.Of("dismissed"), "strict", new FakeWork())
        );
        Assert.Contains("has no judge strict", fault.Message, StringComparison.Ordinal);
    }

    private static ExperimentOptions Judged(int tasks) => TinyExperiments.Of(tasks) with { Judge = Judge };

    private Task<RunSnapshot> Run(
        string id,
        ExperimentOptions? options,
        FakeJudges judges,
        Witness? witness = null,
        CancellationToken stop = default,
        FakeLearners? learners = null,
        JudgeOptions? judge = null,
        int judgesAtOnce = 2
    ) =>
        RunHost
            .RunAsync(
                new RunRequest(id, folder.Of(id), options, new NodeSettings { Judges = judgesAtOnce }, judge),
                learners ?? new FakeLearners(),
                judges,
                new FakeWork(),
                witness ?? new Witness(),
                NullLoggerFactory.Instance,
                stop
            )
            .WaitAsync(TimeSpan.FromSeconds(60));

    /// <summary>Every file of judgements.</summary>
    private List<string> Judgements(string id) =>
        [
            .. Directory
                .GetFiles(folder.Of($"{id}/judgements/strict"), "*", SearchOption.AllDirectories)
                .Order(StringComparer.Ordinal)
                .Select(path => $"{Path.GetRelativePath(folder.Of(id), path)}: {File.ReadAllText(path)}"),
        ];
}
