using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using CoIN.Benchmark;
using CoIN.Models.Planning;
using CoIN.Models.Torch;
using CoIN.Speed.Sides;
using Newtonsoft.Json;

namespace CoIN.Speed.Memory;

/// <summary>Compares the memory that a plan foretells with what the training takes.</summary>
internal static class MemoryCommand
{
    public const string Name = "memory";

    /// <summary>How far the estimate may be off.</summary>
    private const double Tolerance = 0.1;

    private const double Mega = 1e6;

    public static RootCommand Build()
    {
        var threads = new Option<int>("--threads")
        {
            DefaultValueFactory = _ => Environment.ProcessorCount,
            Description = "Compute threads",
        };
        var only = new Option<string?>("--only") { Description = "Cases whose name contains this" };
        var parts = new Option<bool>("--parts") { Description = "Show what each estimate consists of" };
        var root = new RootCommand("Trains models of three sizes and compares the memory they take with what `coin plan` foretells.")
        {
            threads,
            only,
            parts,
        };
        root.SetAction(parsed => Run(parsed.GetValue(threads), parsed.GetValue(only) ?? "", parsed.GetValue(parts), Console.Out));
        return root;
    }

    private static int Run(int threads, string only, bool parts, TextWriter output)
    {
        output.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{threads} threads; MB of {Mega:n0} bytes; the resident memory of a whole process while it trains; memory by {HeapPolicy.Allocator()}."
            )
        );
        output.WriteLine($"{"", -34} {"estimated", 10} {"measured", 10} {"ratio", 7}   {"above the loaded model", 22}");
        var within = true;
        foreach (
            var size in MemoryCase.All.Where(one => one.Name.Contains(only, StringComparison.OrdinalIgnoreCase)).GroupBy(one => one.Size)
        )
        {
            var folder = Directory.CreateTempSubdirectory("coin-memory-").FullName;
            try
            {
                new MemoryExperiment(size.First(), folder).Write();
                foreach (var settings in size)
                {
                    within &= Compare(settings, folder, threads, parts, output);
                }
            }
            finally
            {
                Directory.Delete(folder, recursive: true);
            }
        }

        output.WriteLine(
            within ? $"Every estimate is within {Tolerance:p0} of the measurement." : $"An estimate is off by more than {Tolerance:p0}."
        );
        return within ? 0 : 1;
    }

    private static bool Compare(MemoryCase settings, string folder, int threads, bool parts, TextWriter output)
    {
        var experiment = new MemoryExperiment(settings, folder);
        var samples = experiment.Samples();
        var plan = ExperimentPlanner.Plan(experiment.Options, "cpu", evaluators: 0, _ => samples);
        var measured = Measure(settings, folder, threads);
        var ratio = plan.DeviceBytes / (double)measured.Peak;
        output.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{settings.Name, -34} {plan.DeviceBytes / Mega, 10:n0} {measured.Peak / Mega, 10:n0} {ratio, 7:f2}   {(measured.Peak - measured.Loaded) / Mega, 22:n0}"
            )
        );
        foreach (var part in parts ? plan.Memory : [])
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"    {part.Bytes / Mega, 10:n1}  {part.Name}"));
        }

        return Math.Abs(ratio - 1) <= Tolerance;
    }

    private static MeasuredMemory Measure(MemoryCase settings, string folder, int threads)
    {
        var number = MemoryCase.All.Index().First(pair => pair.Item == settings).Index;
        var arguments = new[] { MemorySide.Command, $"{number}", folder, $"{threads}" };
        using var process = Process.Start(
            new ProcessStartInfo(Environment.ProcessPath!, [.. SideProcess.Self(), .. arguments]) { RedirectStandardOutput = true }
        )!;
        var reply = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0
            ? JsonConvert.DeserializeObject<MeasuredMemory>(reply)!
            : throw new CoinException($"The training of {settings.Name} ended with status {process.ExitCode}; what it said is above.");
    }
}
