using Akka.Actor;
using CoIN.Actors.Journal;
using CoIN.Actors.Tests.Support;
using CoIN.Actors.Workers;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Runs;
using static CoIN.Actors.Protocol.WorkProtocol;
using Turn = CoIN.Actors.Protocol.Turn;

namespace CoIN.Actors.Tests.Workers;

public sealed class EvaluatorProgressTests : VirtualTime
{
    private static readonly Turn First = Turn.Of("r", 3, 7);
    private static readonly AnswerShard Shard = new(0, 0, 0, 3, null);

    private readonly TemporaryFolder folder = new();

    [Fact]
    public async Task How_far_it_has_come_is_said_with_its_turn_and_what_it_writes_bears_the_turn_s_name()
    {
        var (scheduler, supervisor) = (CreateTestProbe(), CreateTestProbe());
        var options = TinyExperiments.Of(1);
        await JournalAppender.AppendAsync("r", folder.Path, [new RunStarted("r", options, new Dictionary<string, string>(), [10], [7])]);
        var evaluator = Sys.ActorOf(
            Props.Create(() =>
                new Evaluator(scheduler, "cpu", 1, new FakeLearners(), new FakeWork(), Admission.OnlyTo(new[] { folder.Path }))
            )
        );
        evaluator.Tell(new Assignment(First, folder.Path, options, Shard), supervisor);
        supervisor.ExpectMsg<MayBegin>();
        evaluator.Tell(new Begin(First), supervisor);
        var all = options.Evaluation.ShardSize;
        var written = supervisor.FishForMessage<ShardWritten>(_ => true);
        Assert.Equal((all, RunPaths.Shard(0, options.Tasks[0].Name, 0, 3, "-t3.7")), (written.Samples, written.File));
        Pass(RepeatEvery);
        var told = scheduler.FishForMessage<Register>(register => register.Of > 0);
        Assert.Equal((First, all, all), (told.Turn, told.Answered, told.Of));
        evaluator.Tell(new Acknowledged(First), supervisor);
        told = scheduler.FishForMessage<Register>(register => register.Turn is null);
        Assert.Equal((First, all, all), (told.Last, told.Answered, told.Of));
    }

    protected override void AfterAll()
    {
        base.AfterAll();
        folder.Dispose();
    }
}
