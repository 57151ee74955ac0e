using Akka.Event;
using CoIN.Actors.Protocol;
using CoIN.Actors.Scheduling;
using CoIN.Actors.Tests.Support;
using CoIN.Benchmark.Runs;
using static CoIN.Actors.Protocol.SharingProtocol;
using static CoIN.Actors.Protocol.WorkProtocol;

namespace CoIN.Actors.Tests.Scheduling;

/// <summary>The parts of a supervisor by themselves, without actors.</summary>
public sealed class SupervisorPartsTests : IDisposable
{
    private static readonly TrainStage Stage = new(1, null, null);

    private readonly TemporaryFolder folder = new();
    private readonly Ear scheduler = new("scheduler");
    private readonly Ear others = new("shared");
    private readonly Ear worker = new("worker");
    private readonly Ear rival = new("rival");
    private DateTimeOffset now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private readonly RunState begun = States.Begun(TinyExperiments.Of(2));

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_turn_is_offered_to_the_scheduler_and_belongs_to_the_first_worker_that_asks()
    {
        var work = Given(out var turn, Stage);
        Assert.False(work.Asked(new MayBegin(turn with { Number = turn.Number + 1 }), worker));
        Assert.True(work.Asked(new MayBegin(turn), worker));
        Assert.False(work.Asked(new MayBegin(turn), rival));
        Assert.Equal([new Refused(turn with { Number = turn.Number + 1 }), new Begin(turn)], worker.Told());
        Assert.Equal([new Refused(turn)], rival.Told());
    }

    [Fact]
    public void Reminding_says_offers_again_and_workers_that_they_may_go_on()
    {
        var work = Given(out var turn, Stage);
        work.Remind(begun, stillDriven: true);
        Assert.Equal([typeof(Offer), typeof(Supervises)], scheduler.Told().Select(message => message.GetType()));
        work.Asked(new MayBegin(turn), worker);
        worker.Told();
        work.Remind(begun, stillDriven: false);
        Assert.Empty(scheduler.Told());
        Assert.Equal([new Begin(turn)], worker.Told());
    }

    [Fact]
    public void A_turn_of_a_supervisor_before_is_let_go_unless_its_work_is_offered_awaited_or_not_yet_known()
    {
        var before = new Turn("r", 1);
        var early = new Assignments(Settings(), NoLogger.Instance);
        early.Inherited(new StillHas(before, Stage), worker, []);
        var work = Given(out _, Stage);
        work.Inherited(new StillHas(before, Stage with { Checkpoint = "c" }), worker, []);
        work.Inherited(new StillHas(before, new TrainStage(2, "a", null)), worker, [new TrainStage(2, "b", null)]);
        Assert.Empty(worker.Told());
        work.Inherited(new StillHas(before, new TrainStage(2, "a", null)), worker, []);
        Assert.Equal([new Refused(before)], worker.Told());
    }

    [Fact]
    public void A_test_that_failed_is_offered_with_the_worker_that_is_not_to_have_it_again_and_is_hopeless_when_nobody_else_is_there()
    {
        var test = new AnswerShard(1, 0, 0, 1, "a");
        var work = Given(out var turn, test);
        Assert.Null(work.Hopeless(turn));
        work.Failed(new WorkFailed("no memory") { Turn = turn }, test, worker, FailureMeans.AnotherWorker);
        work.Remind(begun, stillDriven: false);
        Assert.Equal([PathOf(worker)], ((Offer)scheduler.Told().Single()).Not);
        Assert.Equal("no memory", work.Hopeless(turn));
    }

    [Theory]
    [InlineData(nameof(FailureMeans.JudgeRests))]
    [InlineData(nameof(FailureMeans.JudgeGivenUp))]
    public void What_a_judge_that_failed_has_not_begun_is_taken_back(string means)
    {
        JudgeCell Cell(string judge, int task) => new(0, task, judge, "i", "p", "x");
        var work = Given(out var turn, Cell("strict", 0), Cell("strict", 1), Cell("other", 0));
        work.Asked(new MayBegin(turn), worker);
        work.Failed(new WorkFailed("down") { Turn = turn }, Cell("strict", 0), worker, Enum.Parse<FailureMeans>(means));
        Assert.Equal([Cell("strict", 0), Cell("other", 0)], work.InHand.Items);
    }

    [Fact]
    public void An_end_takes_offers_back_until_the_scheduler_has_forgotten_them_and_asks_workers_to_stop()
    {
        var work = Given(out var turn, Stage);
        work.Asked(new MayBegin(turn), worker);
        worker.Told();
        work.Withdraw();
        work.Withdrawn();
        work.Withdraw();
        Assert.Equal([new Withdraw("r")], scheduler.Told());
        Assert.Equal([new StopWork(turn), new StopWork(turn)], worker.Told());
    }

    [Fact]
    public void What_other_runs_may_compute_is_claimed_once_and_offered_when_it_is_this_runs_own()
    {
        var shared = Sharing();
        var known = begun.With(new BaseModelLoaded("m"));
        Assert.Empty(shared.MayOffer([Stage], known));
        var claim = Assert.IsType<Claim>(others.Told().Single());
        Assert.Equal([Stage], shared.Awaited);

        // One that was computed with another base model is none of this run.
        var made = Made.By(claim.Key, "other", "/nowhere", "another model", Trained());
        Assert.False(shared.TakeOver(made, known, worker));
        Assert.Empty(shared.Awaited);
        Assert.Equal([Stage], shared.MayOffer([Stage], known));
        Assert.Empty(others.Told());

        shared.Publish(Trained(), known);
        Assert.Equal(claim.Key, Assert.IsType<Made>(others.Told().Single()).Key);
        shared.Publish(Trained() with { TakenFrom = new ResultSource("other", "k") }, known);
        Assert.Empty(others.Told());
    }

    [Fact]
    public void What_cannot_be_copied_is_computed_here()
    {
        var shared = Sharing();
        shared.MayOffer([Stage], begun);
        var key = ((Claim)others.Told().Single()).Key;
        var made = Made.By(key, "other", "/nowhere", "m", Trained());
        Assert.Equal([new BaseModelLoaded("m"), Trained()], shared.EventsOf(new(made, Trained(), null), begun));
        Assert.Equal([Stage], shared.Awaited);
        Assert.Null(shared.EventsOf(new(made, null, "gone"), begun));
        Assert.Empty(shared.Awaited);

        // The others are not to try in vain.
        Assert.Equal(new Claim(key, "r") { Not = "other" }, others.Told().Single());
    }

    [Fact]
    public void What_has_no_answer_is_said_again_with_what_this_run_computes()
    {
        var (shared, test) = (Sharing(), new AnswerShard(0, 0, 0, 2, null));
        var known = begun.With(new BaseModelLoaded("m"), new ShardAnswered(0, 0, 1, 2, "f", "ab", 3, 1));
        shared.MayOffer([Stage, test], known);
        var claims = others.Told().Cast<Claim>().ToList();
        Assert.Equal([false, true], claims.Select(claim => claim.Begun));
        shared.Own(claims[1].Key);
        Assert.False(shared.Remind([test], known));
        var again = others.Told();
        Assert.Equal([claims[1].Key], Assert.IsType<Holds>(again[0]).Keys);
        Assert.Equal([claims[0]], again.Skip(1));

        // A result is said until it is noted.
        shared.Publish(Trained(), known);
        shared.Remind([], known);
        Assert.Equal(2, others.Told().OfType<Made>().Count());
        shared.Noted(claims[0].Key);
        shared.Remind([], known);
        Assert.Empty(others.Told().OfType<Made>());
    }

    [Fact]
    public void A_run_to_which_nobody_says_anything_computes_everything_itself()
    {
        var shared = Sharing();
        shared.MayOffer([Stage], begun);
        now += SharedWork.Patience;
        Assert.False(shared.Remind([], begun));
        now += TimeSpan.FromSeconds(1);
        Assert.True(shared.Remind([], begun));
        Assert.Equal([Stage], shared.MayOffer([Stage], begun));

        var other = Sharing();
        other.MayOffer([Stage], begun);
        now += SharedWork.Patience;
        other.Heard();
        now += TimeSpan.FromSeconds(1);
        Assert.False(other.Remind([], begun));
        Assert.Empty(other.MayOffer([Stage], begun));
    }

    [Fact]
    public void What_is_being_copied_is_not_copied_a_second_time()
    {
        var brought = new List<Made>();
        var settings = Settings() with
        {
            Bring = (made, _) =>
            {
                lock (brought)
                {
                    brought.Add(made);
                }

                return new TaskCompletionSource<Made>().Task;
            },
        };
        var shared = new SharedWork(settings, NoLogger.Instance, () => now);
        shared.MayOffer([Stage], begun);
        var made = Made.By(((Claim)others.Told().Single()).Key, "other", "/nowhere", "m", Trained());
        Assert.True(shared.TakeOver(made, begun, worker));
        Assert.True(shared.TakeOver(made, begun, worker));
        Assert.True(SpinWait.SpinUntil(() => brought.Count > 0, TimeSpan.FromSeconds(10)));
        Assert.Equal([made], brought);

        // Nor is it asked for again.
        shared.Remind([], begun);
        Assert.IsType<Holds>(others.Told().Single());
    }

    [Fact]
    public void A_result_is_written_first_and_acknowledged_then_and_one_that_says_nothing_new_is_acknowledged_at_once()
    {
        var run = new Run(begun);
        var work = Given(out var turn, Stage);
        work.Asked(new MayBegin(turn), worker);
        worker.Told();
        var results = Results(run, work);
        results.Take(Written(turn), Stage, worker);
        Assert.Empty(worker.Told());
        run.Write();
        Assert.Equal([new Acknowledged(turn)], worker.Told());
        Assert.Contains(1, run.State.Trained.Keys);
        Assert.Empty(work.InHand.Items);

        results.Take(Written(turn), Stage, worker);
        Assert.Equal([new Acknowledged(turn)], worker.Told());
        Assert.Null(run.Last);
    }

    [Fact]
    public void An_adapter_that_is_gone_is_refused_and_its_stage_done_again_but_not_for_ever()
    {
        var run = new Run(begun);
        var work = Given(out var turn, Stage);
        var results = Results(run, work, severalHosts: true);
        foreach (var last in new[] { false, false, true })
        {
            work.Asked(new MayBegin(turn), worker);
            worker.Told();
            results.Take(Written(turn) with { Folder = "written-elsewhere" }, Stage, worker);
            Assert.Equal([new Refused(turn)], worker.Told());
            Assert.Equal(last, run.Last is RunFailed);
            turn = Offered(work, Stage);
        }

        Assert.Empty(run.State.Trained);
    }

    [Fact]
    public void A_failure_ends_the_run_and_its_turn()
    {
        var run = new Run(begun);
        var work = Given(out var turn, Stage);
        work.Asked(new MayBegin(turn), worker);
        worker.Told();
        Results(run, work).Take(new WorkFailed("NaN") { Turn = turn }, Stage, worker);
        Assert.Equal(new RunFailed("NaN"), run.Last);
        Assert.Equal([new Acknowledged(turn)], worker.Told());
        Assert.Empty(work.InHand.Items);
    }

    private static StageTrained Trained() => new(1, "Task1", RunPaths.Adapter(1, "Task1"), "x", null, 12, 0.5, 100, 1);

    private static AdapterWritten Written(Turn turn) =>
        new(Stage, RunPaths.Adapter(1, "Task1"), "x", null, 12, 0.5, 100, 1) { Turn = turn };

    private SharedWork Sharing() => new(Settings(), NoLogger.Instance, () => now);

    private SupervisorSettings Settings(bool severalHosts = false) =>
        new("r", folder.Path, begun.Started!, scheduler, new FakeWork(), new Witness(), 1, new())
        {
            Shared = others,
            IsShared = severalHosts,
            Program = "1",
        };

    private Assignments Given(out Turn first, params WorkItem[] items)
    {
        var work = new Assignments(Settings(), NoLogger.Instance);
        work.TakeUp(2);
        first = Offered(work, items);
        return work;
    }

    private Turn Offered(Assignments work, params WorkItem[] items)
    {
        work.Offer(items, begun);
        var offers = scheduler.Told().Cast<Offer>().ToList();
        Assert.Equal(items, offers.Select(offer => offer.Item));
        return offers[0].Turn;
    }

    private WorkResults Results(Run run, Assignments work, bool severalHosts = false)
    {
        var settings = Settings(severalHosts);
        return new WorkResults(
            run,
            work,
            new SharedWork(settings, NoLogger.Instance, () => now),
            new RunPublisher(settings),
            new RunUpkeep(folder.Path, severalHosts, settings.Work, _ => { }),
            settings,
            NoLogger.Instance
        );
    }

    /// <summary>A run whose events are written when the test says so.</summary>
    private sealed class Run(RunState state) : ISupervisedRun
    {
        private Action? write;

        public RunState State { get; private set; } = state;

        public RunEvent? Last { get; private set; }

        public bool IsEnding => Last is not null;

        public void Record(IReadOnlyList<RunEvent> events, Action then) =>
            write = () =>
            {
                State = State.After(events);
                then();
            };

        public void Write() => write!();

        public void Proceed() { }

        public void End(RunEvent last) => Last ??= last;
    }
}
