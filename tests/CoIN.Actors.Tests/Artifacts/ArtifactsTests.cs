using System.Collections.Concurrent;
using CoIN.Actors.Artifacts;
using CoIN.Actors.Channels;
using CoIN.Actors.Journal;
using CoIN.Actors.Tests.Support;
using CoIN.Benchmark;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Runs;
using Microsoft.Extensions.Logging;
using static CoIN.Actors.Artifacts.ArtifactWire;

namespace CoIN.Actors.Tests.Artifacts;

/// <summary>Files of runs that go from node to node by their hashes.</summary>
public sealed class ArtifactsTests : IAsyncLifetime
{
    private const string Host = "127.0.0.1";
    private const string Run = "r";

    private readonly TemporaryFolder folder = new();
    private readonly ConcurrentQueue<string> said = new();
    private readonly ArtifactPeers peers = new();
    private readonly List<PeerListener> listeners = [];
    private readonly FileHashes hashes = new();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private string Here => folder.Of($"here/{Run}");

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        foreach (var listener in listeners)
        {
            await listener.DisposeAsync();
        }

        folder.Dispose();
    }

    [Fact]
    public async Task A_folder_and_a_file_come_whole_with_what_belongs_to_them_and_are_not_asked_for_again()
    {
        var adapter = Folder("there", "stages/1-A/adapter", ("adapter_model.safetensors", 700_000), ("parts/more", 0));
        var file = Put("there", "predictions/stage-1/A.jsonl", 5) with { Beside = ["routing/stage-1/A.json", "routing/stage-1/none.json"] };
        Put("there", "routing/stage-1/A.json", 9);
        var calls = Give("there");
        Assert.Empty(await BringAsync(adapter, file));
        Assert.Equal(adapter.Sha256, Durable.Sha256OfFolder(Path.Combine(Here, adapter.Path)));
        Assert.Equal(file.Sha256, Durable.Sha256(Path.Combine(Here, file.Path)));
        Assert.Equal(9, new FileInfo(Path.Combine(Here, "routing/stage-1/A.json")).Length);
        Assert.Single(said, line =>
            line.StartsWith($"Fetched stages/1-A/adapter of run {Run} from there: 0.7 MB", StringComparison.Ordinal)
        );
        Assert.DoesNotContain(Directory.GetFileSystemEntries(Here, "*", SearchOption.AllDirectories), path =>
            path.Contains(Durable.TemporaryMark, StringComparison.Ordinal)
        );

        var before = calls.Count;
        Assert.Empty(await BringAsync(adapter, file));
        Assert.Equal(before, calls.Count);

        // What was damaged here is fetched anew.
        File.WriteAllText(Path.Combine(Here, adapter.Path, "adapter_model.safetensors"), "damaged");
        Assert.Empty(await BringAsync(adapter));
        Assert.Equal(adapter.Sha256, Durable.Sha256OfFolder(Path.Combine(Here, adapter.Path)));
    }

    [Fact]
    public async Task What_broke_off_is_gone_on_with_by_others_too()
    {
        const int Size = 3_000_000;
        var artifact = Put("a", "predictions/stage-1/A.jsonl", Size);
        Put("b", "predictions/stage-1/A.jsonl", Size);
        var (first, second) = (Give("a", most: 1_000_000), Give("b"));
        Assert.Empty(await BringAsync(artifact));
        Assert.Equal(artifact.Sha256, Durable.Sha256(Path.Combine(Here, artifact.Path)));
        Assert.Contains(said, line => line.Contains("in part only", StringComparison.Ordinal));

        // Nothing came twice.
        Assert.InRange(first.Sum() + second.Sum(), Size, Size + 4096);
        Assert.InRange(second.Sum(), 1, Size - 500_000);
    }

    [Fact]
    public async Task A_node_that_gives_something_else_is_passed_over()
    {
        var artifact = Put("b", "judgements/j/stage-1/A.jsonl", 1000);
        Listen("a", async (stream, stop) =>
        {
            _ = await ReadAsync<Wanted>(stream, stop);
            await WriteAsync(stream, new Given(null, 1000, artifact.Sha256, null), stop);
            await stream.WriteAsync(new byte[1000], stop);
        });
        Give("b");
        Assert.Empty(await BringAsync(artifact));
        Assert.Equal(artifact.Sha256, Durable.Sha256(Path.Combine(Here, artifact.Path)));

        Listen("c", async (stream, stop) =>
        {
            _ = await ReadAsync<Wanted>(stream, stop);
            await WriteAsync(stream, new Given(null, 0, artifact.Sha256, [new FileOf("../../../../out", 4, artifact.Sha256)]), stop);
        });
        var lost = Assert.Single(
            await BringAsync(
                new Artifact(
                    "stages/1-A/adapter",
                    Durable.Sha256Of(new Dictionary<string, string> { ["../../../../out"] = artifact.Sha256 }),
                    true
                )
            )
        );
        Assert.Contains("c: it lists other files than those that the journal names", lost.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_nobody_has_is_told_with_what_each_node_says()
    {
        var artifact = Put("b", "predictions/stage-1/A.jsonl", 10) with { Sha256 = new string('0', 64) };
        Assert.Equal("there is no other node", Assert.Single(await BringAsync(artifact)).Reason);
        Directory.CreateDirectory(folder.Of("a"));
        Give("a");
        Give("b");
        peers.Add(new ArtifactPeers.Peer("c", Host, FreePort()));
        var reason = Assert.Single(await BringAsync(artifact)).Reason;
        Assert.Contains("a: it is not here; b: another one is here; c: ", reason, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(Here, artifact.Path)));
    }

    [Fact]
    public async Task Nodes_that_come_later_are_asked_too()
    {
        var artifact = Put("late", "predictions/stage-1/A.jsonl", 10);
        var bringing = Fetcher().BringAsync(Run, Here, [artifact], null, TimeSpan.FromSeconds(30), Stop);
        Assert.False(bringing.IsCompleted);
        Give("late");
        Assert.Empty(await bringing);
    }

    [Fact]
    public async Task A_disk_that_cannot_be_written_is_told_and_no_other_node_is_asked()
    {
        var artifact = Put("a", "predictions/stage-1/A.jsonl", 10);
        Give("a");
        Directory.CreateDirectory(Here);
        File.WriteAllText(Path.Combine(Here, "predictions"), "a file where a folder is to be");
        Assert.Contains(
            "Cannot write",
            (await Assert.ThrowsAsync<CoinException>(() => BringAsync(artifact))).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Nothing_but_artifacts_of_runs_is_given_whatever_a_peer_asks_for()
    {
        var sha256 = Put("there", "predictions/stage-1/A.jsonl", 10).Sha256;
        foreach (
            var (path, text) in new[]
            {
                ("../secret", "secret"),
                ("../../secret", "secret"),
                ("journal.db", "events"),
                ("journal.json", "place"),
                ("run.owner", "who"),
                ("log.clef", "log"),
            }
        )
        {
            Durable.WriteText(folder.Of($"there/{Run}/{path}"), text);
        }

        Durable.WriteText(folder.Of($"there/{Run}/stages/x{Durable.TemporaryMark}1"), "half");
        Directory.CreateSymbolicLink(folder.Of($"there/{Run}/stages/link"), folder.Path);
        Durable.WriteText(folder.Of($"there/{Run}/settings.conf"), "coin {}");
        Give("there");
        string Hash(string path) => Durable.Sha256(folder.Of($"there/{Run}/{path}"));
        await using var stream = await PeerStreams.ConnectAsync(Host, peers.All(null)[0].Port, null, Stop);
        foreach (
            var wanted in new[]
            {
                new Wanted(Run, "../secret", Hash("../secret"), false, 0),
                new Wanted(Run, "stages/../../secret", Hash("../secret"), false, 0),
                new Wanted(Run, folder.Of("there/secret"), Hash("../secret"), false, 0),
                new Wanted("..", "secret", Hash("../../secret"), false, 0),
                new Wanted(".", $"{Run}/settings.conf", null, false, 0),
                new Wanted(Run, "stages/link/secret", Hash("../../secret"), false, 0),
                new Wanted(Run, "journal.db", Hash("journal.db"), false, 0),
                new Wanted(Run, "journal.json", null, false, 0),
                new Wanted(Run, "run.owner", null, false, 0),
                new Wanted(Run, "log.clef", Hash("log.clef"), false, 0),
                new Wanted(Run, $"stages/x{Durable.TemporaryMark}1", Hash($"stages/x{Durable.TemporaryMark}1"), false, 0),
                new Wanted(Run, "predictions/stage-1/A.jsonl", null, false, 0),
                new Wanted(Run, "predictions/stage-1/A.jsonl", sha256, false, 11),
                new Wanted(Run, "predictions/stage-1/A.jsonl", sha256, false, -1),
                new Wanted(Run, "", null, true, 0),
                new Wanted(null!, null!, null, false, 0),
            }
        )
        {
            await WriteAsync(stream, wanted, Stop);
            Assert.NotNull((await ReadAsync<Given>(stream, Stop))!.Fault);
        }

        await WriteAsync(stream, new Wanted(Run, "settings.conf", null, false, 0), Stop);
        Assert.Equal(7, (await ReadAsync<Given>(stream, Stop))!.Length);
        var rest = new byte[7];
        await stream.ReadExactlyAsync(rest, Stop);

        // What is no question at all ends the call.
        await stream.WriteAsync("GET / HTTP/1.1\r\n\r\n"u8.ToArray(), Stop);
        await Assert.ThrowsAnyAsync<Exception>(async () => _ = await ReadAsync<Given>(stream, Stop) ?? throw new IOException("closed"));
    }

    [Fact]
    public void A_run_of_the_clusters_has_a_place_here_and_one_of_somebody_elses_is_left_alone()
    {
        var database = JournalDatabase.Parse("Host=db.example.org;Database=coin");
        var own = new OwnRuns(folder.Of("here"), database, Fetcher(), hashes);
        own.Prepare("new");
        own.Prepare("new");
        Assert.Equal(new JournalPlace(database.Address, "run-new-of-cluster"), JournalPlace.Of(folder.Of("here/new")));
        Assert.Null(own.Stranger("new"));

        Durable.WriteText(folder.Of("here/solo/journal.db"), "");
        JournalPlace.New(database, "placed").Write(folder.Of("here/placed"));
        Durable.WriteText(folder.Of("here/left/stages/1-A/adapter/x"), "");
        foreach (var id in new[] { "solo", "placed", "left" })
        {
            Assert.Contains(
                $"{folder.Of($"here/{id}")} holds a run of that name that is not this cluster's",
                Assert.Throws<CoinException>(() => own.Prepare(id)).Message,
                StringComparison.Ordinal
            );
        }

        Assert.Throws<CoinException>(() => own.Of("../x"));
    }

    private static int FreePort()
    {
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        return ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
    }

    private ArtifactFetcher Fetcher() => new(peers, null, hashes, new Listener(said));

    private Task<IReadOnlyList<Unfetched>> BringAsync(params Artifact[] wanted) =>
        Fetcher().BringAsync(Run, Here, wanted, null, TimeSpan.Zero, Stop);

    private Artifact Put(string node, string path, int size)
    {
        var bytes = new byte[size];
        new Random(size).NextBytes(bytes);
        Durable.Write(folder.Of($"{node}/{Run}/{path}"), stream => stream.Write(bytes));
        return new Artifact(path, Durable.Sha256(folder.Of($"{node}/{Run}/{path}")), IsFolder: false);
    }

    private Artifact Folder(string node, string path, params (string Name, int Size)[] files)
    {
        foreach (var (name, size) in files)
        {
            Put(node, $"{path}/{name}", size);
        }

        return new Artifact(path, Durable.Sha256OfFolder(folder.Of($"{node}/{Run}/{path}")), IsFolder: true);
    }

    /// <summary>Lets a node give its files.</summary>
    /// <param name="most">Bytes after which each call breaks off.</param>
    /// <returns>Bytes of each answer.</returns>
    private ConcurrentQueue<int> Give(string node, int most = int.MaxValue)
    {
        var calls = new ConcurrentQueue<int>();
        var server = new ArtifactServer(folder.Of(node), new FileHashes());
        Listen(node, (stream, stop) => server.ServeAsync(new Counted(stream, most, calls), stop));
        return calls;
    }

    private void Listen(string node, Func<Stream, CancellationToken, Task> serve)
    {
        var listener = PeerListener.Start(Host, 0, null, serve, why => said.Enqueue(why));
        listeners.Add(listener);
        peers.Add(new ArtifactPeers.Peer(node, Host, listener.Port));
    }

    /// <summary>A connection that counts what is written, and breaks off.</summary>
    private sealed class Counted(Stream inner, int most, ConcurrentQueue<int> calls) : Stream
    {
        private int written;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            inner.ReadAsync(buffer, cancellationToken);

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            written += buffer.Length;
            if (written > most)
            {
                throw new IOException("cut off");
            }

            calls.Enqueue(buffer.Length);
            await inner.WriteAsync(buffer, cancellationToken);
        }

        public override void Flush() => inner.Flush();

        public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, count);

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }

    private sealed class Listener(ConcurrentQueue<string> said) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        ) => said.Enqueue(formatter(state, exception));
    }
}
