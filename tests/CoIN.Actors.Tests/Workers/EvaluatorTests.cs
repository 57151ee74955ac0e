using Akka.Actor;
using Akka.TestKit;
using CoIN.Actors.Journal;
using CoIN.Actors.Protocol;
using CoIN.Actors.Tests.Support;
using CoIN.Actors.Workers;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Learning;
using CoIN.Benchmark.Routing;
using CoIN.Benchmark.Runs;
using static CoIN.Actors.Protocol.WorkProtocol;
using Turn = CoIN.Actors.Protocol.Turn;

namespace CoIN.Actors.Tests.Workers;

/// <summary>An evaluator and the base model of the adapter that it answered with last.</summary>
public sealed class EvaluatorTests : VirtualTime
{
    private readonly TemporaryFolder folder = new();
    private readonly RestingLearners learners = new();

    protected override void AfterAll()
    {
        base.AfterAll();
        folder.Dispose();
    }

    [Fact]
    public async Task A_session_rests_between_shards_and_is_opened_anew_where_its_memory_was_needed()
    {
        var options = TinyExperiments.Of(1);
        var run = folder.Of("r");
        Directory.CreateDirectory(run);
        await JournalAppender.AppendAsync("r", run, [new RunStarted("r", options, new Dictionary<string, string>(), [10], [7])]);
        var (scheduler, supervisor, admission) = (CreateTestProbe(), CreateTestProbe(), Admission.OnlyTo(run));
        var worker = ActorOfAsTestActorRef<Evaluator>(
            Props.Create(() => new Evaluator(scheduler, "cpu", 1, learners, new FakeWork(7), admission))
        );
        void Answer(int shard)
        {
            var turn = new Turn("r", shard + 1);
            worker.Tell(new Assignment(turn, run, options, new AnswerShard(0, 0, shard, 3, null)), supervisor);
            supervisor.ExpectMsg(new MayBegin(turn));
            worker.Tell(new Begin(turn), supervisor);
            supervisor.FishForMessage<ShardWritten>(written => written.Turn == turn);
            worker.Tell(new Acknowledged(turn), supervisor);
        }

        Answer(0);
        Assert.Equal((1, 0, true), learners.Seen);
        Answer(1);
        Assert.Equal((1, 0, true), learners.Seen);

        // Another base model is to be loaded on the device.
        learners.Close();
        Assert.Equal((1, 1, true), learners.Seen);
        Answer(2);
        Assert.Equal((2, 1, true), learners.Seen);
        End(worker);
        Assert.Equal((2, 2, false), learners.Seen);
    }

    /// <summary>Learners whose sessions can be closed while they rest.</summary>
    private sealed class RestingLearners : ILearnerFactory
    {
        private Learner? last;
        private int opened;
        private int closed;

        /// <summary>Sessions opened and closed, and whether the last learner's rests.</summary>
        public (int Opened, int Closed, bool Rests) Seen => (opened, closed, last!.Resting is not null);

        public ILearner Open(ExperimentOptions options, string device, int threads) => last = new Learner(this);

        public void Close()
        {
            last!.Resting!();
            last.IsClosed = true;
        }

        private sealed class Learner(RestingLearners owner) : ILearner
        {
            public Action? Resting { get; private set; }

            public bool IsClosed { get; set; }

            public string BaseModelSha256 => new('b', 64);

            public ITrainingSession OpenTraining(StageTraining stage) => throw new NotSupportedException();

            public IGenerationSession OpenGeneration(string? adapter)
            {
                owner.opened++;
                return new Session(owner);
            }

            public void Rest(Action close) => Resting = close;

            public bool Wake()
            {
                Resting = IsClosed ? Resting : null;
                return !IsClosed;
            }

            public void Dispose() { }
        }

        private sealed class Session(RestingLearners owner) : IGenerationSession
        {
            public IReadOnlyList<Prediction> Answer(IReadOnlyList<TestSample> samples, int maxNewTokens) =>
                [.. samples.Select(sample => new Prediction(sample.QuestionId, "a"))];

            public ExpertRouting? TakeRouting() => null;

            public void Dispose() => owner.closed++;
        }
    }
}
