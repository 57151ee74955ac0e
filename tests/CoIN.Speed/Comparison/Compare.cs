using CoIN.Speed.Sides;
using CoIN.Speed.Workloads;
using Newtonsoft.Json;

namespace CoIN.Speed.Comparison;

/// <summary>Measures the sides in turns and tells what came out.</summary>
internal static class Compare
{
    public const string Ours = "CoIN.Actors",
        OursAgain = "CoIN.Actors, pictures known";

    private const string TrainTask = "train";

    public static int Run(CompareOptions options, TextWriter output)
    {
        var sections = new List<Section>();
        Table.Head(output, options);
        foreach (var imageTokens in options.ImageTokens)
        {
            var folder = Directory.CreateTempSubdirectory("coin-speed-").FullName;
            try
            {
                var workload = new WorkloadWriter(options, imageTokens).Write(folder);
                var work = new Work(workload, SpeedFamily.Of(options.Family).Shape(options.SizeOf(imageTokens)));
                if (options.Trains)
                {
                    sections.Add(Training(options, workload, work, folder));
                    Table.Show(output, sections[^1], workload);
                }

                if (options.Generates)
                {
                    sections.Add(Evaluation(options, workload, work, folder));
                    Table.Show(output, sections[^1], workload);
                }
            }
            finally
            {
                Directory.Delete(folder, recursive: true);
            }
        }

        if (options.Out is not null)
        {
            File.WriteAllText(options.Out, JsonConvert.SerializeObject(new { options, sections }, Formatting.Indented) + "\n");
            output.WriteLine($"All figures: {options.Out}");
        }

        return 0;
    }

    private static Section Training(CompareOptions options, Workload workload, Work work, string folder)
    {
        using var sides = new Participants(
            () => SideProcess.Ours("train", folder, options.Threads),
            options.Python is null ? null : () => SideProcess.Peer("transformers", options.Python, "train.py", folder, options.Threads)
        );
        var turns = sides.All.Select(side => new Turn(side.Name, side, "run")).ToList();
        var (timings, runs) = Rounds(options, [TrainTask], sides, turns);
        return new Section(
            "train",
            workload.ImageTokens,
            One(workload.TrainingTokens),
            One(work.Training() / 1e9),
            timings,
            sides.Facts(),
            runs.GroupBy(run => run.Turn.Name).ToDictionary(group => group.Key, group => group.Average(run => run.Result.Loss!.Value)),
            new Dictionary<string, Agreement>()
        );
    }

    private static Section Evaluation(CompareOptions options, Workload workload, Work work, string folder)
    {
        Func<SideProcess>? Peer(string name, int batch) =>
            options.Python is null
                ? null
                : () => SideProcess.Peer(name, options.Python, "generate.py", folder, options.Threads, $"{batch}");
        using var sides = new Participants(
            () => SideProcess.Ours("generate", folder, options.Threads),
            Peer("generate, batch 1", 1),
            Peer("generate, batch 16", 16)
        );
        List<Turn> turns =
        [
            new(Ours, sides.All[0], "run"),
            new(OursAgain, sides.All[0], "again"),
            .. sides.All.Skip(1).Select(side => new Turn(side.Name, side, "run")),
        ];
        var (timings, runs) = Rounds(options, [.. workload.Evaluation.Select(task => task.Name)], sides, turns);
        IReadOnlyList<IReadOnlyList<int>> Answers(string name) =>
            [.. runs.Where(run => run.Round == 0 && run.Turn.Name == name).SelectMany(run => run.Result.Answers!)];
        return new Section(
            "generate",
            workload.ImageTokens,
            workload.Evaluation.ToDictionary(task => task.Name, task => (double)task.Samples.Count),
            workload.Evaluation.ToDictionary(task => task.Name, task => work.Evaluation(task) / 1e9),
            timings,
            sides.Facts(),
            new Dictionary<string, double>(),
            turns.Skip(1).ToDictionary(turn => turn.Name, turn => Agreement.Of(Answers(Ours), Answers(turn.Name)))
        );
    }

    private static Dictionary<string, double> One(double value) => new() { [TrainTask] = value };

    private static (IReadOnlyList<Timing> Timings, IReadOnlyList<Finished> Runs) Rounds(
        CompareOptions options,
        IReadOnlyList<string> tasks,
        Participants sides,
        IReadOnlyList<Turn> turns
    )
    {
        foreach (var side in sides.All)
        {
            side.Run("warm", tasks[0]);
        }

        var runs = new List<Finished>();
        for (var round = 0; round < options.Rounds; round++)
        {
            foreach (var task in tasks)
            {
                foreach (var turn in turns)
                {
                    runs.Add(new Finished(turn, task, round, turn.Side.Run(turn.How, task)));
                }
            }
        }

        var timings =
            from turn in turns
            from task in tasks
            select new Timing(
                turn.Name,
                task,
                [.. runs.Where(run => run.Turn == turn && run.Task == task).Select(run => run.Result.Seconds)]
            );
        return ([.. timings], runs);
    }

    private sealed record Turn(string Name, SideProcess Side, string How);

    private sealed record Finished(Turn Turn, string Task, int Round, SideRun Result);

    /// <summary>The processes of a section, started one after the other; the product's first.</summary>
    private sealed class Participants : IDisposable
    {
        private readonly List<SideProcess> all = [];

        public Participants(params IEnumerable<Func<SideProcess>?> starts)
        {
            try
            {
                all.AddRange(starts.OfType<Func<SideProcess>>().Select(start => start()));
            }
            catch
            {
                Dispose();
                throw;
            }
        }

        public IReadOnlyList<SideProcess> All => all;

        public IReadOnlyList<SideFacts> Facts() =>
            [.. all.Select(side => new SideFacts(side.Name, side.Hello.Gemm, side.Hello.Versions, side.Memory()))];

        public void Dispose() => all.ForEach(side => side.Dispose());
    }
}
