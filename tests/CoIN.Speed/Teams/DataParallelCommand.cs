using System.CommandLine;
using System.Diagnostics;
using CoIN.Actors.Links;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Learning;
using CoIN.Models.Computing;
using CoIN.Models.Torch;
using CoIN.Speed.Comparison;
using CoIN.Speed.Sides;
using CoIN.Speed.Workloads;
using static TorchSharp.torch;

namespace CoIN.Speed.Teams;

/// <summary>
/// Measures how much sooner steps come where two trainers share them (<c>training.world-size</c>), and what they send each other. All ways
/// take their turns in every round, so that what else the computer does meets all alike.
/// </summary>
internal static class DataParallelCommand
{
    /// <summary>Its first word.</summary>
    public const string Name = "data-parallel";

    private const string Loopback = "127.0.0.1";
    private const string Device = "cpu";
    private const int Samples = 8;

    public static RootCommand Build()
    {
        var rounds = new Option<int>("--rounds") { DefaultValueFactory = _ => 5, Description = "Measured rounds; figures are medians" };
        var steps = new Option<int>("--steps") { DefaultValueFactory = _ => 2, Description = "Steps of a turn" };
        var tokens = new Option<int>("--image-tokens") { DefaultValueFactory = _ => 64, Description = "Image tokens of a picture" };
        var rank = new Option<int>("--rank")
        {
            DefaultValueFactory = _ => 128,
            Description = "LoRA's rank: what is exchanged grows with it",
        };
        var root = new RootCommand(
            "Compares steps by two trainers of one compute thread each with steps by one trainer: a LLaVA of hidden size 512 with 8 layers, 8 samples a step in 4 micro-batches."
        )
        {
            rounds,
            steps,
            tokens,
            rank,
        };
        root.SetAction(parsed =>
            Run(
                Math.Max(1, parsed.GetValue(rounds)),
                Math.Max(1, parsed.GetValue(steps)),
                new CompareOptions(null, 1, 1, false, [parsed.GetValue(tokens)], "train", "float32", 42, 16, null)
                {
                    Rank = parsed.GetValue(rank),
                    Questions = 0,
                },
                Console.Out
            )
        );
        return root;
    }

    private static int Run(int rounds, int steps, CompareOptions options, TextWriter output)
    {
        var folder = Directory.CreateTempSubdirectory("coin-speed-").FullName;
        try
        {
            var workload = new WorkloadWriter(options, options.ImageTokens[0]).Write(folder);
            using var model = SpeedFamily
                .Of(workload.Family)
                .Load(Workload.ModelOf(folder), TorchNames.Dtype(workload.Dtype), TorchNames.Device(Device));
            Measure(new Subject(model, workload, folder), rounds, steps, output);
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Measure(Subject subject, int rounds, int steps, TextWriter output)
    {
        using var hosts = new Hosts();
        List<Way> ways =
        [
            new("1 trainer, 1 thread", subject, 1, 1, OptimizerState.Whole, (_, _) => []),
            new("1 trainer, 2 threads", subject, 1, 2, OptimizerState.Whole, (_, _) => []),
            new("2 trainers, in memory", subject, 2, 1, OptimizerState.Whole, InMemory),
            new("2 trainers, by TCP", subject, 2, 1, OptimizerState.Whole, hosts.Connect),
            new("2 trainers, by TCP, sharded", subject, 2, 1, OptimizerState.Sharded, hosts.Connect),
        ];
        try
        {
            output.WriteLine($"load of this computer before: {Load()}");
            var seconds = ways.Select(_ => new List<double>()).ToList();
            for (var round = -1; round < rounds; round++)
            {
                foreach (var (place, way) in ways.Index())
                {
                    var taken = way.Steps(steps) / steps;
                    Console.Error.WriteLine(
                        FormattableString.Invariant($"round {round + 1} of {rounds}, {way.Name}: {taken:0.00} s a step")
                    );
                    if (round >= 0)
                    {
                        seconds[place].Add(taken);
                    }
                }
            }

            output.WriteLine($"load of this computer behind: {Load()}");
            output.WriteLine();
            output.WriteLine($"{"", -30} {"s a step", 9} {"tokens/s", 9}   times as fast as one trainer with one thread");
            foreach (var (place, way) in ways.Index())
            {
                var step = Spread.Of(seconds[place]).Median;
                var faster = Spread.Of(seconds[place].Zip(seconds[0], (own, first) => first / own));
                output.WriteLine(
                    FormattableString.Invariant($"{way.Name, -30} {step, 9:0.000} {subject.Workload.TrainingTokens / step, 9:0}   ")
                        + faster.Text("0.00")
                );
            }

            output.WriteLine();
            var count = ways[2].Exchanged;
            output.WriteLine(
                FormattableString.Invariant($"A gradient has {count:N0} numbers, {count * 4 / 1e6:0.0} MB, and as many go back. ")
                    + FormattableString.Invariant($"Alone, one way: {1000 * Alone(InMemory, count):0.0} ms in memory, ")
                    + FormattableString.Invariant($"{1000 * Alone(hosts.Connect, count):0.0} ms by TCP on loopback.")
            );
        }
        finally
        {
            ways.ForEach(way => way.Dispose());
        }
    }

    /// <summary>
    /// Seconds for a gradient from one end to the other, which adds it up, while nothing is computed; the best of several.
    /// </summary>
    private static double Alone(Func<int, int, IReadOnlyList<ITrainingLink>> connect, int count)
    {
        var ends = connect(0, 2).Concat(connect(1, 2)).ToList();
        var (numbers, sum) = (new float[count], new float[count]);
        var best = double.MaxValue;
        for (var i = 0; i < 10; i++)
        {
            var clock = Stopwatch.StartNew();
            var sent = ends[1].SendAsync(new LinkMessage(i, 1), numbers);
            ends[0].ReceiveAsync((at, part) => CoIN.Models.Training.FlatNumbers.Add(part, sum.AsSpan(at, part.Length))).Wait();
            sent.Wait();
            best = Math.Min(best, clock.Elapsed.TotalSeconds);
        }

        ends.ForEach(end => end.Dispose());
        return best;
    }

    private static ITrainingLink? waiting;

    /// <summary>Ranks ask in their order.</summary>
    private static IReadOnlyList<ITrainingLink> InMemory(int rank, int trainers)
    {
        if (rank > 0)
        {
            return [waiting!];
        }

        (var first, waiting) = LocalLink.Pair();
        return [first];
    }

    /// <summary>Processes that are ready or waiting for a disk, over 1, 5 and 15 minutes; nothing where the system does not say.</summary>
    private static string Load() =>
        File.Exists("/proc/loadavg") ? string.Join(", ", File.ReadAllText("/proc/loadavg").Split(' ').Take(3)) : "unknown";

    private sealed record Subject(IPictureModel Model, Workload Workload, string Folder);

    /// <summary>Two nodes of one computer.</summary>
    private sealed class Hosts : IDisposable
    {
        private readonly LinkHost first = new(new LinkPlace(Loopback, 0, null), _ => { });
        private readonly LinkHost second = new(new LinkPlace(Loopback, 0, null), _ => { });
        private LinkHost.Team? team;

        /// <summary>Ranks ask in their order.</summary>
        public IReadOnlyList<ITrainingLink> Connect(int rank, int trainers)
        {
            if (rank > 0)
            {
                return [second.MeetAsync(team!.Address, rank).GetAwaiter().GetResult()];
            }

            team = first.Open(trainers);
            return team.Links;
        }

        public void Dispose()
        {
            second.DisposeAsync().AsTask().Wait();
            first.DisposeAsync().AsTask().Wait();
        }
    }

    /// <summary>Trainers that do steps together, each on a thread of its own.</summary>
    private sealed class Way : IDisposable
    {
        private readonly List<Member> members;
        private readonly List<CountedLink> links = [];

        public Way(
            string name,
            Subject subject,
            int trainers,
            int threads,
            OptimizerState state,
            Func<int, int, IReadOnlyList<ITrainingLink>> connect
        )
        {
            Name = name;
            members =
            [
                .. Enumerable
                    .Range(0, trainers)
                    .Select(rank => new Member(
                        subject,
                        new TrainingTeam(rank, trainers, Counted(connect(rank, trainers))),
                        threads,
                        training =>
                            training with
                            {
                                BatchSize = Samples / 4,
                                GradientAccumulation = 4,
                                WorldSize = trainers,
                                OptimizerState = state,
                                CheckpointEvery = 0,
                            }
                    )),
            ];
        }

        public string Name { get; }

        /// <summary>Numbers of the longest message: a gradient, or all parameters.</summary>
        public int Exchanged => links.Max(link => link.Longest);

        /// <returns>Seconds until the last trainer is done.</returns>
        public double Steps(int count)
        {
            var clock = Stopwatch.StartNew();
            Task.WaitAll([.. members.Select(member => member.Do(session => Steps(session, count)))]);
            return clock.Elapsed.TotalSeconds;
        }

        public void Dispose() => members.ForEach(member => member.Dispose());

        private List<ITrainingLink> Counted(IReadOnlyList<ITrainingLink> plain)
        {
            var counted = plain.Select(link => new CountedLink(link)).ToList();
            links.AddRange(counted);
            return [.. counted];
        }

        private static void Steps(OurTraining training, int count)
        {
            for (var i = 0; i < count; i++)
            {
                training.Step();
            }
        }
    }

    private sealed class CountedLink(ITrainingLink link) : ITrainingLink
    {
        public int Longest { get; private set; }

        public Task SendAsync(LinkMessage message, ReadOnlyMemory<float> numbers)
        {
            Longest = Math.Max(Longest, numbers.Length);
            return link.SendAsync(message, numbers);
        }

        public Task<LinkMessage> ReceiveAsync(TakeNumbers take) => link.ReceiveAsync(take);

        public void Dispose() => link.Dispose();
    }

    /// <summary>A trainer: a session belongs to the thread that opened it.</summary>
    private sealed class Member : IDisposable
    {
        private readonly System.Collections.Concurrent.BlockingCollection<(Action<OurTraining> Action, TaskCompletionSource Done)> todo =
        [];
        private readonly Thread thread;

        public Member(Subject subject, TrainingTeam team, int threads, Func<TrainingOptions, TrainingOptions> change)
        {
            thread = new Thread(() =>
            {
                // A thread that has not asked yet takes the number that was set last, by whichever thread.
                _ = get_num_threads();
                set_num_threads(threads);
                using var training = new OurTraining(subject.Model, subject.Workload, subject.Folder, change, team);
                foreach (var (action, done) in todo.GetConsumingEnumerable())
                {
                    try
                    {
                        action(training);
                        done.SetResult();
                    }
                    catch (Exception e) when (e is CoinException or TrainerLostException)
                    {
                        done.SetException(e);
                    }
                }
            });
            thread.Start();
        }

        public Task Do(Action<OurTraining> action)
        {
            var done = new TaskCompletionSource();
            todo.Add((action, done));
            return done.Task;
        }

        public void Dispose()
        {
            todo.CompleteAdding();
            thread.Join();
            todo.Dispose();
        }
    }
}
