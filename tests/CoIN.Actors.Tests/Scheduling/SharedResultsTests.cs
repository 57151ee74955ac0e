using Akka.Actor;
using Akka.TestKit;
using CoIN.Actors.Scheduling;
using CoIN.Actors.Tests.Support;
using CoIN.Benchmark.Runs;
using static CoIN.Actors.Protocol.SharingProtocol;

namespace CoIN.Actors.Tests.Scheduling;

/// <summary>What the runs of a cluster have in common, and what becomes of it when one of those who know of it is lost.</summary>
public sealed class SharedResultsTests : VirtualTime
{
    private readonly TestProbe first;
    private readonly TestProbe second;
    private readonly TestProbe third;
    private readonly List<string> looked = [];
    private IReadOnlyList<Made> journals = [];
    private Exception? fault;
    private IActorRef shared;

    public SharedResultsTests()
    {
        (first, second, third) = (CreateTestProbe(), CreateTestProbe(), CreateTestProbe());
        shared = New();
    }

    [Fact]
    public void The_first_to_ask_computes_it_and_the_others_take_it_over()
    {
        Claimed(first, "a", "k");
        first.ExpectMsg(new Yours("k"));
        Claimed(second, "b", "k");
        Tell(first, Result("k", "a"));
        first.ExpectMsg(new Noted("k"));
        second.ExpectMsg(Result("k", "a"));
        Claimed(third, "c", "k");
        third.ExpectMsg(Result("k", "a"));

        // Whoever asks for what he had has lost it.
        Claimed(first, "a", "k");
        first.ExpectMsg(new Yours("k"));
    }

    [Fact]
    public void Two_runs_that_need_what_the_other_computes_both_compute_and_then_take_over()
    {
        Claimed(first, "a", "k");
        Claimed(second, "b", "l");
        Claimed(first, "a", "l");
        Claimed(second, "b", "k");
        first.ExpectMsg(new Yours("k"));
        second.ExpectMsg(new Yours("l"));
        Tell(first, Result("k", "a"));
        Tell(second, Result("l", "b"));
        first.ExpectMsg(new Noted("k"));
        second.ExpectMsg(Result("k", "a"));
        first.ExpectMsg(Result("l", "b"));
        second.ExpectMsg(new Noted("l"));
    }

    [Fact]
    public void When_the_run_that_computes_it_ends_the_next_in_line_does()
    {
        Claimed(first, "a", "k");
        Claimed(second, "b", "k");
        Claimed(third, "c", "k");
        first.ExpectMsg(new Yours("k"));
        Tell(first, new Gone("a"));
        second.ExpectMsg(new Yours("k"));
        third.ExpectNoMsg(TimeSpan.Zero);

        // One that waits may end, too.
        Tell(third, new Gone("c"));
        Tell(second, new Gone("b"));
        Silence();
        third.ExpectNoMsg(TimeSpan.Zero);
        Claimed(third, "c", "k");
        third.ExpectMsg(new Yours("k"));
    }

    [Fact]
    public void A_run_whose_supervisor_is_lost_keeps_what_it_computes_if_it_is_taken_up_elsewhere_in_time()
    {
        Claimed(first, "a", "k");
        Claimed(second, "b", "k");
        first.ExpectMsg(new Yours("k"));
        End(first);
        Silence();
        Pass(SharedResults.Patience - TimeSpan.FromSeconds(1));
        Claimed(third, "a", "k");
        third.ExpectMsg(new Yours("k"));
        Pass(TimeSpan.FromSeconds(2));
        Silence();
        second.ExpectNoMsg(TimeSpan.Zero);

        End(third);
        Silence();
        Pass(SharedResults.Patience);
        second.ExpectMsg(new Yours("k"));
    }

    [Fact]
    public void A_supervisor_that_waits_and_is_lost_is_not_given_anything()
    {
        Claimed(first, "a", "k");
        Claimed(second, "b", "k");
        Claimed(third, "c", "k");
        End(second);
        Silence();
        Tell(first, new Gone("a"));
        third.ExpectMsg(new Yours("k"));

        // When it moves it asks again.
        var moved = CreateTestProbe();
        Claimed(moved, "b", "k");
        Tell(third, Result("k", "c"));
        moved.ExpectMsg(Result("k", "c"));
    }

    [Fact]
    public void One_that_takes_the_place_of_a_lost_one_listens_first_to_what_runs_compute()
    {
        shared = New(listen: SharedResults.Listening);
        Claimed(first, "a", "k");
        Claimed(first, "a", "l");
        Claimed(first, "a", "m");
        Silence();
        first.ExpectNoMsg(TimeSpan.Zero);
        Tell(second, new Holds("b", ["k"]));
        second.ExpectMsg<Heard>();

        // What a run has a part of it goes on with.
        Claimed(third, "c", "l", begun: true);
        third.ExpectMsg(new Yours("l"));
        Silence();
        Pass(SharedResults.Listening);
        first.ExpectMsg(new Yours("m"));
        first.ExpectNoMsg(TimeSpan.Zero);
        Tell(second, Result("k", "b"));
        first.ExpectMsg(Result("k", "b"));
    }

    [Fact]
    public void What_a_run_does_not_compute_any_more_and_has_not_said_to_have_is_given_to_the_next()
    {
        Claimed(first, "a", "k");
        Claimed(second, "b", "k");
        first.ExpectMsg(new Yours("k"));

        // It may not have heard yet.
        Tell(first, new Holds("a", []));
        first.ExpectMsg<Heard>();
        second.ExpectNoMsg(TimeSpan.Zero);
        Pass(SharedResults.Listening + TimeSpan.FromSeconds(1));
        Tell(first, new Holds("a", ["k"]));
        first.ExpectMsg<Heard>();
        second.ExpectNoMsg(TimeSpan.Zero);
        Tell(first, new Holds("a", []));
        second.ExpectMsg(new Yours("k"));
    }

    [Fact]
    public void A_result_that_could_not_be_had_is_given_to_nobody_else()
    {
        Claimed(first, "a", "k");
        Tell(first, Result("k", "a"));
        Claimed(second, "b", "k");
        second.ExpectMsg(Result("k", "a"));
        Tell(second, new Claim("k", "b") { Not = "a" });
        second.ExpectMsg(new Yours("k"));
        Claimed(third, "c", "k");
        Tell(second, Result("k", "b"));
        third.ExpectMsg(Result("k", "b"));
    }

    [Fact]
    public void What_runs_have_by_their_journals_is_looked_at_once_and_again_when_all_had_ended()
    {
        journals = [Result("k", "z")];
        Tell(first, new Claim("k", "a") { Experiment = "e" });
        Tell(second, new Claim("k", "b") { Experiment = "e" });
        Tell(second, new Claim("l", "b") { Experiment = "e" });
        first.ExpectMsg(Result("k", "z"));
        second.ExpectMsg(Result("k", "z"));
        second.ExpectMsg(new Yours("l"));
        Assert.Equal(["a"], looked);

        journals = [];
        Tell(first, new Gone("a"));
        Tell(second, new Gone("b"));
        Tell(third, new Claim("k", "c") { Experiment = "e" });
        third.ExpectMsg(new Yours("k"));
        Assert.Equal(["a", "c"], looked);
    }

    [Fact]
    public void Journals_that_cannot_be_read_keep_nobody_waiting_and_are_read_later()
    {
        fault = new CoIN.Benchmark.CoinException("the database is away");
        Tell(first, new Claim("k", "a") { Experiment = "e" });
        first.ExpectMsg(new Yours("k"));
        (fault, journals) = (null, [Result("l", "z")]);
        Tell(first, new Claim("l", "a") { Experiment = "e" });
        first.ExpectMsg(Result("l", "z"));
    }

    [Fact]
    public void A_run_that_ends_while_journals_are_read_is_given_nothing_and_harms_nobody()
    {
        var read = new TaskCompletionSource();
        Func<string, IReadOnlyList<Made>> wait = _ =>
        {
            read.Task.Wait();
            return [];
        };
        shared = Sys.ActorOf(Props.Create(() => new SharedResults(wait, TimeSpan.Zero)));
        Silence();
        Pass(TimeSpan.Zero);
        Tell(first, new Claim("k", "a") { Experiment = "e" });
        Tell(second, new Claim("k", "b") { Experiment = "e" });
        Tell(first, new Gone("a"));
        Silence();
        read.SetResult();
        second.ExpectMsg(new Yours("k"));
        first.ExpectNoMsg(TimeSpan.Zero);
    }

    /// <summary>
    /// Runs that need each other's results, in any order, while messages are lost, supervisors move, runs are stopped, and the one who
    /// keeps all this is begun anew: every run that is not stopped comes to its end.
    /// </summary>
    [Fact]
    public void Whatever_is_lost_no_run_waits_for_ever()
    {
        for (var seed = 0; seed < 25; seed++)
        {
            var (chance, has) = (new Random(seed), new Dictionary<string, HashSet<string>>());
            Func<string, IReadOnlyList<Made>> find = _ => [.. has.SelectMany(run => run.Value.Select(key => Result(key, run.Key)))];
            shared = Sys.ActorOf(Props.Create(() => new SharedResults(find, SharedResults.Listening)));
            var runs = Enumerable.Range(0, 5).Select(n => new ModelRun($"{seed}-{n}", this, chance)).ToList();
            runs.ForEach(run => has[run.Id] = run.Has);
            var rounds = 0;
            for (; runs.Exists(run => !run.IsOver); rounds++)
            {
                Assert.True(rounds < 600, $"seed {seed}: {string.Join("; ", runs)}");

                // Faults end some day.
                if (rounds < 60 && chance.Next(5) == 0)
                {
                    Fault(runs[chance.Next(runs.Count)], find, chance);
                }

                runs.ForEach(run => run.Step(loses: rounds < 60));
                Silence();
                Pass(TimeSpan.FromSeconds(2));
            }

            Assert.True(runs.Exists(run => run.Has.Count > 0));
            End(shared);
        }
    }

    private void Fault(ModelRun run, Func<string, IReadOnlyList<Made>> find, Random chance)
    {
        switch (chance.Next(12))
        {
            case 0:
                End(shared);
                shared = Sys.ActorOf(Props.Create(() => new SharedResults(find, SharedResults.Listening)));
                break;
            case 1 or 2 or 3 when run.Id[^1] is '0' or '1':
                run.End();
                break;
            default:
                run.Move();
                break;
        }
    }

    /// <summary>A supervisor as the others hear it: it needs all keys, and computes one at a time of those that are its own.</summary>
    private sealed class ModelRun(string id, SharedResultsTests test, Random chance)
    {
        private readonly HashSet<string> own = [];
        private readonly HashSet<string> unnoted = [];
        private TestProbe self = test.CreateTestProbe();
        private bool ended;

        public string Id => id;

        public HashSet<string> Has { get; } = [];

        public bool IsOver => ended || Has.Count == Keys.Length;

        private static string[] Keys { get; } = ["k", "l", "m", "n"];

        public override string ToString() => $"{id} has {string.Join(' ', Has)}, computes {string.Join(' ', own)}";

        public void Move()
        {
            test.End(self);
            self = test.CreateTestProbe();
            own.Clear();
            unnoted.Clear();
        }

        public void End()
        {
            ended = true;
            Tell(new Gone(id), loses: false);
        }

        public void Step(bool loses)
        {
            while (self.HasMessages)
            {
                Hear(self.ReceiveOne(TimeSpan.Zero));
            }

            if (ended)
            {
                return;
            }

            if (own.Count > 0 && chance.Next(15) == 0)
            {
                var done = own.First();
                own.Remove(done);
                Has.Add(done);
                unnoted.Add(done);
            }

            foreach (var key in unnoted)
            {
                Tell(Result(key, id), loses);
            }

            Tell(new Holds(id, [.. own]), loses);
            foreach (var key in Keys.Where(key => !Has.Contains(key) && !own.Contains(key)).OrderBy(_ => chance.Next()).Take(2))
            {
                Tell(new Claim(key, id) { Experiment = "e" }, loses);
            }
        }

        private void Hear(object message)
        {
            switch (message)
            {
                case Yours yours when !Has.Contains(yours.Key):
                    own.Add(yours.Key);
                    break;
                case Made made when !own.Contains(made.Key):
                    Has.Add(made.Key);
                    break;
                case Noted noted:
                    unnoted.Remove(noted.Key);
                    break;
            }
        }

        private void Tell(object message, bool loses)
        {
            if (!loses || chance.Next(5) > 0)
            {
                test.Tell(self, message);
            }
        }
    }

    private static Made Result(string key, string run) =>
        Made.By(key, run, $"/runs/{run}", "m", new StageTrained(1, "GQA", "f", "ab", null, 12, 0.5, 100, 1));

    private IActorRef New(TimeSpan listen = default)
    {
        var made = Sys.ActorOf(Props.Create(() => new SharedResults(run => Look(run), listen)));
        if (listen == TimeSpan.Zero)
        {
            shared = made;
            Silence();
            Pass(TimeSpan.Zero);
        }

        return made;
    }

    private IReadOnlyList<Made> Look(string run)
    {
        looked.Add(run);
        return fault is null ? journals : throw fault;
    }

    private void Claimed(TestProbe supervisor, string run, string key, bool begun = false) =>
        Tell(supervisor, new Claim(key, run) { Begun = begun });

    private void Tell(TestProbe supervisor, object message) => shared.Tell(message, supervisor);

    private void End(TestProbe supervisor) => End(supervisor.Ref);

    /// <summary>Waits until everything that was told is done.</summary>
    private void Silence()
    {
        var probe = CreateTestProbe();
        shared.Tell(new Holds("nobody", []), probe);
        probe.ExpectMsg<Heard>();
    }
}
