using Akka.Actor;
using CoIN.Actors.Journal;
using CoIN.Actors.Protocol;
using CoIN.Actors.Scheduling;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Runs;
using CoIN.EndToEnd.Tests.Support;
using static CoIN.Actors.Protocol.WorkProtocol;

namespace CoIN.EndToEnd.Tests;

/// <summary>
/// A process of another user on the same computer against a node that speaks clear text. (A run that is part of no cluster has no socket to
/// attack.)
/// </summary>
public sealed class HostileNeighbourTests(HostileNeighbourTests.Victim victim) : IClassFixture<HostileNeighbourTests.Victim>
{
    private const string Id = "victim";
    private const string Key = "sk-secret-5555555555";

    private ExperimentOptions Options => RunJournal.Read(victim.Folder)!.Options;

    [Fact]
    public async Task A_forged_judge_gets_neither_the_key_nor_any_other_variable()
    {
        using var hostile = new HostileSystem(victim.Port);
        using var thief = await EndpointProcess.StartAsync("ok");
        foreach (var variable in new[] { "COIN_E2E_DOOR_KEY", "PATH" })
        {
            var forged = Options with { Judge = Options.Judge! with { Endpoint = thief.Address, ApiKeyEnv = variable } };
            Refused(
                "is not the one in the run's journal",
                await hostile.AssignAsync("judge-1", Assigned(victim.Folder, forged, Cell("tester")))
            );
        }

        Assert.Empty((await thief.SeenAsync()).Requests);
    }

    [Fact]
    public async Task A_journal_of_the_strangers_own_is_not_believed()
    {
        using var hostile = new HostileSystem(victim.Port);
        using var thief = await EndpointProcess.StartAsync("ok");
        var loot = Directory.CreateDirectory(Path.Combine(victim.Lab.Folder, "loot", Id)).FullName;
        var forged = Options with { Judge = Options.Judge! with { Endpoint = thief.Address } };
        await JournalAppender.AppendAsync(Id, loot, [new RunStarted(Id, forged, new Dictionary<string, string>(), [1], [1])]);
        var before = Directory.GetFileSystemEntries(loot, "*", SearchOption.AllDirectories).Order().ToList();
        Refused("where this node's runs are", await hostile.AssignAsync("judge-1", Assigned(loot, forged, Cell("tester"))));
        Refused(
            "where this node's runs are",
            await hostile.AssignAsync("evaluator-cpu-1", Assigned(loot, forged, new AnswerShard(0, 0, 0, 1, null)))
        );
        Assert.Equal(before, Directory.GetFileSystemEntries(loot, "*", SearchOption.AllDirectories).Order());
        Assert.Empty((await thief.SeenAsync()).Requests);
    }

    [Fact]
    public async Task Other_settings_and_paths_out_of_the_run_are_refused()
    {
        using var hostile = new HostileSystem(victim.Port);
        var elsewhere = Options with { Data = Options.Data with { Instructions = "/etc" } };
        Refused(
            "settings are not those",
            await hostile.AssignAsync("evaluator-cpu-1", Assigned(victim.Folder, elsewhere, new AnswerShard(0, 0, 0, 1, null)))
        );
        Refused(
            "leads out",
            await hostile.AssignAsync("evaluator-cpu-1", Assigned(victim.Folder, Options, new ScoreCell(0, 0, new(["../../data/x"]))))
        );
        Refused(
            "leads out",
            await hostile.AssignAsync("judge-1", Assigned(victim.Folder, Options, Cell("tester") with { File = "/etc/passwd" }))
        );
    }

    [Fact]
    public async Task A_payload_that_names_a_type_is_not_read()
    {
        const string Json = """akka.actor.serialization-bindings { "CoIN.Actors.Protocol.WorkProtocol+Assignment, CoIN.Actors" = json }""";
        using var honest = new HostileSystem(victim.Port);
        using var hostile = new HostileSystem(victim.Port, settings: Json);

        // The message is one that the worker would answer, could it be read.
        var serialization = hostile.Actors.Serialization;
        var forged = Assigned(victim.Folder, Options, Cell("unknown"));
        var serializer = serialization.FindSerializerFor(forged);
        Assert.Equal(1, serializer.Identifier);
        Assert.IsType<JudgeCell>(serializer.FromBinary<Assignment>(serializer.ToBinary(forged)).Item);
        Assert.True(await honest.IsHeardAsync(forged, patient: true));
        Assert.False(await hostile.IsHeardAsync(forged, patient: false));
    }

    [Fact]
    public async Task An_actor_is_not_deployed()
    {
        using var hostile = new HostileSystem(victim.Port);
        Assert.True(await hostile.IsHeardAsync(Assigned(victim.Folder, Options, Cell("unknown")), patient: true));
        var implant = hostile.Actors.ActorOf(
            Props.Create(() => new Scheduler()).WithDeploy(Deploy.None.WithScope(new RemoteScope(hostile.Victim))),
            "implant"
        );
        Assert.Equal(hostile.Victim.Port, implant.Path.Address.Port);

        // Whoever lives says who he is; for a name that nobody has, the node says that it has nobody.
        var identity = await implant.Ask<ActorIdentity>(
            new Identify("implant"),
            TimeSpan.FromSeconds(20),
            TestContext.Current.CancellationToken
        );
        Assert.Null(identity.Subject);
    }

    private static long turns = 1L << 60;

    private static JudgeCell Cell(string judge) => new(1, 0, judge, "identity", "predictions/stage-1/GQA.jsonl", "00");

    private static Assignment Assigned(string folder, ExperimentOptions options, WorkItem item) =>
        new(new Turn(Id, Interlocked.Increment(ref turns)), folder, options, item);

    private static void Refused(string why, WorkFailed outcome) => Assert.Contains(why, outcome.Message, StringComparison.Ordinal);

    /// <summary>A run that trains for long, on a node that listens in clear text, with a judge whose key is in the environment.</summary>
    public sealed class Victim : IAsyncLifetime
    {
        private CoinProcess? coin;

        internal Laboratory Lab { get; } = new();

        internal int Port { get; } = EndpointProcess.FreePort();

        internal string Folder => Lab.PathOf(Id);

        public async ValueTask InitializeAsync()
        {
            await Lab.InitializeAsync();
            coin = CoinProcess.StartWith(
                new Dictionary<string, string> { ["COIN_E2E_DOOR_KEY"] = Key },
                null,
                Lab.Run(
                    Id,
                    "order=[GQA]",
                    "training.max-steps=100000",
                    "training.checkpoint-every=0",
                    "node.cluster=clear-text",
                    "node.hostname=127.0.0.1",
                    $"node.port={Port}",
                    "judge.kind=openai",
                    "judge.name=tester",
                    $"judge.endpoint=http://127.0.0.1:{EndpointProcess.FreePort()}/v1",
                    "judge.model=m",
                    "judge.api-key-env=COIN_E2E_DOOR_KEY"
                )
            );
            Assert.True(
                await coin.UntilAsync(() => coin.Output.Contains("training", StringComparison.Ordinal), TimeSpan.FromMinutes(2)),
                coin.Output
            );
        }

        public async ValueTask DisposeAsync()
        {
            // Whatever was tried, the run has gone on.
            Assert.False(coin!.HasExited, coin.Output);
            Assert.DoesNotContain(Key, coin.Output, StringComparison.Ordinal);
            await coin.KillAsync();
            coin.Dispose();
            await Lab.DisposeAsync();
        }
    }
}
