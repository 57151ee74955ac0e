using Akka.Actor;
using CoIN.Actors.Hosting;
using CoIN.Actors.Nodes;
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
        var settings = new EntitySettings(
            new NodeSettings(),
            folder.Path,
            CreateTestProbe().Ref,
            new FakeWork(),
            new FakeJudges(),
            NullLoggerFactory.Instance,
            "node",
            () => 1
        );
        var (probe, watcher) = (CreateTestProbe(), CreateTestProbe());
        var entity = Sys.ActorOf(Props.Create(() => new RunEntity("bad", settings)));
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

    protected override void AfterAll()
    {
        base.AfterAll();
        folder.Dispose();
    }
}
