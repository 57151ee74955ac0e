using System.CommandLine;
using CoIN.Benchmark;
using CoIN.Benchmark.Metrics;
using CoIN.Benchmark.Reports.Results;
using CoIN.Benchmark.Runs;
using CoIN.Benchmark.Scoring;
using CoIN.Cli.Hosting;
using CoIN.Cli.Views;

namespace CoIN.Cli.Commands;

/// <summary><c>coin metrics</c>: the benchmark's numbers for accuracy matrices from anywhere.</summary>
internal static class MetricsCommand
{
    public static Command Build(Host host)
    {
        var files = new Argument<string[]>("file")
        {
            Arity = ArgumentArity.OneOrMore,
            Description = "Matrices as CSV or JSON, or a run's report.json; several are seeds of one experiment",
        };
        var zeroShot = new Option<string?>("--zero-shot") { HelpName = "FILE", Description = "Accuracies of the untrained model, one row" };
        var format = new Option<string>("--format") { Description = "text or json", DefaultValueFactory = _ => "text" };
        format.AcceptOnlyFromAmong("text", "json");
        var command = new Command("metrics", "Compute MAA, BWT and more for matrices from anywhere") { files, zeroShot, format };
        command.SetAction(parsed => Execute(host, parsed.GetValue(files)!, parsed.GetValue(zeroShot), parsed.GetValue(format)!));
        return command;
    }

    private static int Execute(Host host, string[] files, string? zeroShot, string format)
    {
        var matrices = files.SelectMany(file => Read(PathOf(host, file), file, zeroShot is null ? null : PathOf(host, zeroShot))).ToList();
        var seeds = matrices
            .GroupBy(matrix => matrix.Scoring)
            .Where(group => group.Skip(1).Any())
            .Select(group => (group.Key, Seeds([.. group])))
            .ToList();
        if (format == "json")
        {
            host.Out.Write(MetricsJson.Render(matrices, seeds));
        }
        else
        {
            MetricsText.Render(host.Out, matrices, seeds);
        }

        return ExitCodes.Done;
    }

    private static IEnumerable<NamedResults> Read(string path, string name, string? zeroShot)
    {
        foreach (var (scoring, found) in MatrixFile.Read(path))
        {
            var measured = zeroShot is null ? found : found with { ZeroShot = MatrixFile.ReadZeroShot(zeroShot, scoring, found.Tasks) };

            // A report of a run whose folder is at hand has its samples' scores beside it.
            var columns = measured
                .Tasks.Select((task, index) => scoring is null ? null : Column(path, measured, task, index, scoring.Value))
                .ToList();
            var (cells, intervals) = Bootstrap.Matrix(measured.Tasks, columns, like: measured.Matrix);
            yield return new NamedResults(name, scoring, new MatrixResults(measured, measured.Metrics(), intervals, cells));
        }
    }

    private static TaskScores? Column(string report, MeasuredMatrix measured, string task, int index, ScoringKind scoring)
    {
        var folder = Path.GetDirectoryName(report)!;
        var files = Enumerable
            .Range(1, measured.Matrix.Stages)
            .Where(stage => measured.Matrix.Has(stage - 1, index) && measured.Matrix[stage - 1, index] is not null)
            .Select(stage => (Stage: stage, Path: Path.Combine(folder, RunPaths.Scores(stage, task))))
            .Where(file => File.Exists(file.Path))
            .ToList();
        return files.Count > 0 ? TaskScores.Read(files, scoring) : null;
    }

    private static SeedSummary Seeds(IReadOnlyList<NamedResults> group)
    {
        var first = group[0];
        foreach (var other in group.Skip(1).Where(other => !other.Results.Measured.Tasks.SequenceEqual(first.Results.Measured.Tasks)))
        {
            throw new CoinException(
                $"{first.Name} has the tasks {string.Join(", ", first.Results.Measured.Tasks)}, but {other.Name} has {string.Join(", ", other.Results.Measured.Tasks)}. "
                    + "Several files are seeds of one experiment: give them the same tasks in the same order."
            );
        }

        if (group.FirstOrDefault(other => other.Results.Measured.Matrix.Stages != first.Results.Measured.Matrix.Stages) is { } otherwise)
        {
            throw new CoinException(
                $"Of {first.Name} and {otherwise.Name} one learned all tasks at once and the other one after another. Several files are seeds of one experiment."
            );
        }

        return SeedSummary.Of([.. group.Select(one => one.Results.Measured)]);
    }

    private static string PathOf(Host host, string file) => Path.GetFullPath(Path.Combine(host.Folder, file));
}
