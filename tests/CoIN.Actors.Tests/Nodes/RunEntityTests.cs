using Akka.Actor;
using CoIN.Actors.Hosting;
using CoIN.Actors.Nodes;
using CoIN.Actors.Protocol;
using CoIN.Actors.Tests.Support;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Runs;
using Microsoft.Extensions.Logging.Abstractions;
using static CoIN.Actors.Protocol.RunProtocol;

namespace CoIN.Actors.Tests.Nodes;

public sealed class RunEntityTests : VirtualTime
{
    private readonly TemporaryFolder folder = new();

    [Fact]
    public void A_damaged_journal_is_told_to_who_asks_and_not_read_for_ever()
    {
        Durable.WriteText(folder.Of("bad/journal.db"), "no database");
        var (probe, watcher) = (CreateTestProbe(), CreateTestProbe());
        var entity = Entity("bad");
        watcher.Watch(entity);
        entity.Tell(new Look("bad"), probe);
        var seen = probe.ExpectMsg<Looked>().Snapshot;
        Assert.Equal(("bad", RunStatus.Interrupted), (seen?.RunId, seen?.Status));
        Assert.Contains("Cannot read the journal", seen!.Message, StringComparison.Ordinal);

        // It is read once more where somebody has mended it, or thinks so.
        entity.Tell(new Resume("bad", false), probe);
        Assert.Contains("Cannot read the journal", probe.ExpectMsg<RunRefused>().Message, StringComparison.Ordinal);
        watcher.ExpectNoMsg(TimeSpan.Zero);
    }

    [Fact]
    public async Task Runs_that_have_ended_are_compared_although_nobody_looks_also_where_a_node_was_lost_in_between()
    {
        var experiment = Experiments.Of("a", "b");
        await Experiments.BeginAsync(experiment, "a", folder, new RunCompleted());
        await Experiments.BeginAsync(experiment, "b", folder, new RunCompleted());
        var (probe, entity) = (CreateTestProbe(), Entity("e-b"));
        Assert.True(SpinWait.SpinUntil(() => File.Exists(folder.Of("e/comparison.json")), TimeSpan.FromSeconds(30)));
        AwaitAssert(() =>
        {
            entity.Tell(new Look("e-b"), probe);
            var looked = probe.ExpectMsg<Looked>();
            Assert.Equal(folder.Of("e"), looked.Comparison);
            Assert.Equivalent(experiment, looked.Experiment);
        });
        entity.Tell(new Look("e-b") { Briefly = true }, probe);
        Assert.Null(probe.ExpectMsg<Looked>().Experiment);

        // One that has stood since is not written again.
        File.WriteAllText(folder.Of("e/comparison.json"), "as it was");
        var other = Entity("e-a");
        AwaitAssert(() =>
        {
            other.Tell(new Look("e-a"), probe);
            Assert.Equal(folder.Of("e"), probe.ExpectMsg<Looked>().Comparison);
        });
        Assert.Equal("as it was", File.ReadAllText(folder.Of("e/comparison.json")));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_run_of_an_experiment_asks_what_others_compute_unless_that_is_switched_off(bool reuse)
    {
        var experiment = Experiments.Of("a", "b");
        experiment = experiment with { Runs = experiment.Runs with { Reuse = reuse } };
        var (probe, shared, scheduler) = (CreateTestProbe(), CreateTestProbe(), CreateTestProbe());
        scheduler.IgnoreMessages(message => message is not WorkProtocol.Offer);
        var entity = Entity("e-a", scheduler, shared);
        entity.Tell(new Submit("e-a", TinyExperiments.Of(1), "a {}") { Experiment = experiment }, probe);
        AwaitAssert(() => Assert.True(File.Exists(folder.Of("e/experiment.json"))));
        if (reuse)
        {
            var claim = shared.ExpectMsg<SharingProtocol.Claim>();
            Assert.Equal(("e-a", "e"), (claim.RunId, claim.Experiment));
            shared.Send(shared.LastSender, new SharingProtocol.Yours(claim.Key));
        }

        scheduler.ExpectMsg<WorkProtocol.Offer>();
        End(entity);
        if (!reuse)
        {
            shared.ExpectNoMsg(TimeSpan.Zero);
        }
    }

    private IActorRef Entity(string run, IActorRef? scheduler = null, IActorRef? shared = null)
    {
        var settings = new EntitySettings(
            new NodeSettings(),
            folder.Path,
            scheduler ?? CreateTestProbe().Ref,
            new FakeWork(),
            new FakeJudges(),
            NullLoggerFactory.Instance,
            "node",
            () => 1
        )
        {
            Shared = shared,
        };
        return Sys.ActorOf(Props.Create(() => new RunEntity(run, settings)));
    }

    protected override void AfterAll()
    {
        base.AfterAll();
        folder.Dispose();
    }
}
