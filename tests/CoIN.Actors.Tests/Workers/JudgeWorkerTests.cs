using Akka.Actor;
using CoIN.Actors.Journal;
using CoIN.Actors.Protocol;
using CoIN.Actors.Tests.Support;
using CoIN.Actors.Workers;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Runs;
using static CoIN.Actors.Protocol.WorkProtocol;
using Turn = CoIN.Actors.Protocol.Turn;

namespace CoIN.Actors.Tests.Workers;

/// <summary>How long a judge stays open for which there is nothing to do.</summary>
public sealed class JudgeWorkerTests : VirtualTime
{
    private readonly TemporaryFolder folder = new();

    protected override void AfterAll()
    {
        base.AfterAll();
        folder.Dispose();
    }

    [Theory]
    [InlineData(JudgeKind.Local, 1)]
    [InlineData(JudgeKind.OpenAi, 0)]
    public async Task A_local_judge_leaves_its_device_when_nobody_has_asked_for_it_for_a_while(JudgeKind kind, int closed)
    {
        var judge = new JudgeOptions { Name = "j", Kind = kind };
        var options = TinyExperiments.Of(1) with { Judge = judge };
        var (run, work, file) = (folder.Of("r"), new FakeWork(7), "predictions/stage-0/Task1.jsonl");
        work.WritePredictions(
            Path.Combine(run, file),
            [.. work.Test(options, options.Tasks[0]).Select(sample => new Prediction(sample.QuestionId, "0"))]
        );
        await JournalAppender.AppendAsync("r", run, [new RunStarted("r", options, new Dictionary<string, string>(), [10], [7])]);
        using var caches = new JudgementCaches();
        var (judges, admission, kept) = (new FakeJudges(), Admission.OnlyTo(run), caches);
        var (scheduler, supervisor) = (CreateTestProbe(), CreateTestProbe());
        var worker = ActorOf(Props.Create(() => new JudgeWorker(scheduler, "cpu", 1, judges, kept, work, admission)));
        var cell = new JudgeCell(0, 0, "j", JudgeIdentity.Of(judge), file, Durable.Sha256(Path.Combine(run, file)));
        void Judge(int number)
        {
            var turn = new Turn("r", number);
            worker.Tell(new Assignment(turn, run, options, cell), supervisor);
            supervisor.FishForMessage<MayBegin>(asked => asked.Turn == turn);
            worker.Tell(new Begin(turn), supervisor);
            supervisor.FishForMessage<JudgementsWritten>(written => written.Turn == turn);
            worker.Tell(new Acknowledged(turn), supervisor);
            scheduler.FishForMessage<Register>(register => register.Turn is null && register.Last == turn);
        }

        void Wait(TimeSpan time)
        {
            for (var passed = TimeSpan.Zero; passed < time; passed += RepeatEvery)
            {
                Pass(RepeatEvery);
                scheduler.ExpectMsg<Register>();
            }
        }

        Judge(1);
        Wait(JudgeWorker.Keep - (2 * RepeatEvery));
        Judge(2);
        Wait(JudgeWorker.Keep - (2 * RepeatEvery));
        Assert.Equal((1, 0), (judges.Opened.Count, judges.Closed));
        Wait(4 * RepeatEvery);
        AwaitAssert(() => Assert.Equal(closed, judges.Closed));
        Judge(3);
        Assert.Equal(1 + closed, judges.Opened.Count);
    }
}
