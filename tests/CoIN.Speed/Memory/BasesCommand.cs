using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using CoIN.Benchmark;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Learning;
using CoIN.Models.Learning;
using CoIN.Models.Torch;
using CoIN.Speed.Sides;
using Newtonsoft.Json;

namespace CoIN.Speed.Memory;

/// <summary>Resident memory of a process that serves runs of several base models in turn, as a node does that lives for weeks.</summary>
internal static class BasesCommand
{
    public const string Name = "bases";
    public const string Side = "bases-side";

    private const int Bases = 3;
    private const int Rounds = 3;
    private const double Mega = 1e6;

    private static readonly MemoryCase Case = MemoryCase.All.First(one => one.Size == "middle");

    public static RootCommand Build()
    {
        var threads = new Option<int>("--threads")
        {
            DefaultValueFactory = _ => Environment.ProcessorCount,
            Description = "Compute threads",
        };
        var root = new RootCommand(
            $"Trains and answers with {Bases} base models in turn, and tells what the process has resident behind each."
        )
        {
            threads,
        };
        root.SetAction(parsed => Run(parsed.GetValue(threads), Console.Out));
        return root;
    }

    /// <summary>A process whose memory is nothing but its own: writes what it has resident behind each turn, in bytes.</summary>
    public static int Serve(string folder, string kept, string threads)
    {
        using var factory = new LearnerFactory(
            warning => throw new CoinException(warning),
            kept: int.Parse(kept, CultureInfo.InvariantCulture)
        );
        var resident = new List<long>();
        for (var turn = 0; turn < Bases * Rounds; turn++)
        {
            var experiment = Experiment(folder, turn % Bases);
            using (var learner = factory.Open(experiment.Options, "cpu", int.Parse(threads, CultureInfo.InvariantCulture)))
            {
                var samples = experiment.Samples();
                using (
                    var training = learner.OpenTraining(
                        new StageTraining(1, experiment.Options.Tasks[0].Name, experiment.Options.Training.BatchSize, samples, null, null)
                    )
                )
                {
                    training.NextStep();
                }

                using var session = learner.OpenGeneration(null);
                session.Answer([new TestSample("1", samples[0].Images[0], "what is it", "a")], 4);
            }

            resident.Add(Environment.WorkingSet);
        }

        Console.WriteLine(JsonConvert.SerializeObject(resident));
        return 0;
    }

    private static int Run(int threads, TextWriter output)
    {
        var folder = Directory.CreateTempSubdirectory("coin-bases-").FullName;
        try
        {
            for (var place = 0; place < Bases; place++)
            {
                Experiment(folder, place).Write();
            }

            var one = new FileInfo(Path.Combine(folder, "0", "model.safetensors")).Length;
            output.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{threads} threads; {Bases} base models of {one / Mega:n0} MB in turn; MB of {Mega:n0} bytes resident behind each; memory by {HeapPolicy.Allocator()}."
                )
            );
            foreach (var kept in new[] { 1, Bases })
            {
                var resident = Measure(folder, kept, threads);
                output.WriteLine(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"node.models-kept = {kept}: {string.Join(" ", resident.Select(bytes => (bytes / Mega).ToString("n0", CultureInfo.InvariantCulture)))}"
                    )
                );
            }

            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static MemoryExperiment Experiment(string folder, int place) =>
        new(Case, Path.Combine(folder, place.ToString(CultureInfo.InvariantCulture)));

    private static List<long> Measure(string folder, int kept, int threads)
    {
        using var process = Process.Start(
            new ProcessStartInfo(Environment.ProcessPath!, [.. SideProcess.Self(), Side, folder, $"{kept}", $"{threads}"])
            {
                RedirectStandardOutput = true,
            }
        )!;
        var reply = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0
            ? JsonConvert.DeserializeObject<List<long>>(reply)!
            : throw new CoinException($"Serving {Bases} base models ended with status {process.ExitCode}; what it said is above.");
    }
}
