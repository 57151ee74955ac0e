using System.CommandLine;
using CoIN.Benchmark;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Metrics;
using CoIN.Benchmark.Predictions;
using CoIN.Benchmark.Scoring;
using CoIN.Cli.Hosting;
using CoIN.Cli.Views;
using CoIN.Configuration;

namespace CoIN.Cli.Commands;

/// <summary><c>coin score</c>: Truth Alignment of a predictions file from anywhere.</summary>
internal static class ScoreCommand
{
    public static Command Build(Host host)
    {
        var task = new Option<string>("--task")
        {
            HelpName = "T",
            Description = "A task's name (TextVQA) or a scorer's key (textvqa)",
            Required = true,
        };
        var predictions = new Option<string>("--predictions")
        {
            HelpName = "FILE",
            Description = "JSON lines with question_id and text",
            Required = true,
        };
        var annotations = new Option<string>("--annotations")
        {
            HelpName = "FILE",
            Description = "The test file (test.json, val.json)",
            Required = true,
        };
        var references = new Option<string?>("--references")
        {
            HelpName = "FILE",
            Description = "All captions of the test file's images, in COCO's form (as references-file of a task)",
        };
        var scoring = new Option<string>("--scoring") { Description = "By which rules", DefaultValueFactory = _ => "both" };
        scoring.AcceptOnlyFromAmong("published", "corrected", "both");
        var to = new Option<string?>("--out")
        {
            HelpName = "FILE",
            Description = "Where the scores of every sample go; by default beside the predictions",
        };
        var command = new Command("score", "Score a predictions file from anywhere")
        {
            task,
            predictions,
            annotations,
            references,
            scoring,
            to,
        };
        command.SetAction(parsed =>
            Execute(
                host,
                parsed.GetValue(task)!,
                parsed.GetValue(predictions)!,
                parsed.GetValue(annotations)!,
                parsed.GetValue(references),
                parsed.GetValue(scoring)!,
                parsed.GetValue(to)
            )
        );
        return command;
    }

    private static int Execute(
        Host host,
        string task,
        string predictionsFile,
        string annotationsFile,
        string? referencesFile,
        string scoring,
        string? outFile
    )
    {
        var key = TaskPresets.ScorerOf(task);
        var (predictionsPath, annotationsPath) = (PathOf(host, predictionsFile), PathOf(host, annotationsFile));
        var outPath = outFile is null
            ? Path.Combine(Path.GetDirectoryName(predictionsPath)!, Path.GetFileNameWithoutExtension(predictionsPath) + ".scores.jsonl")
            : PathOf(host, outFile);
        if (outPath == predictionsPath || outPath == annotationsPath)
        {
            throw Usage.Fault($"--out {outFile} would overwrite what is scored. Name another file.");
        }

        ScoringKind[] scorings = scoring switch
        {
            "published" => [ScoringKind.Published],
            "corrected" => [ScoringKind.Corrected],
            _ => [ScoringKind.Published, ScoringKind.Corrected],
        };
        var samples = TestSamples.Read(annotationsPath);
        if (referencesFile is not null)
        {
            var references = CaptionReferences.Read(PathOf(host, referencesFile));
            samples = [.. samples.Select(references.Of)];
        }

        var predictions = PredictionsFile.Read(predictionsPath);
        var (join, sets) = PredictionsJoin.Score(key, samples, predictions, scorings);
        var scored = scorings.Zip(sets).ToDictionary();
        ScoresFile.Write(
            outPath,
            ScoresFile.Join(
                samples.Select(sample => sample.QuestionId),
                scored.GetValueOrDefault(ScoringKind.Published),
                scored.GetValueOrDefault(ScoringKind.Corrected)
            )
        );
        Print(host.Out, key, predictions.Count, samples.Count, scored);
        foreach (var note in join.Notes(scored.ContainsKey(ScoringKind.Published) ? Scorers.Of(key).Pairing : null))
        {
            host.Out.WriteLine("Note: " + note);
        }

        host.Out.WriteLine($"Scores of every sample: {outPath}");
        return ExitCodes.Done;
    }

    private static void Print(TextWriter output, string key, int predictions, int samples, Dictionary<ScoringKind, ScoredSet> scored)
    {
        output.WriteLine(Words.Text($"Scorer {key}: {Plural.Of(predictions, "prediction")} for {Plural.Of(samples, "test sample")}"));
        output.WriteLine($"{"scoring", -10} {"accuracy", 10} {"counted", 8}  95 % interval (bootstrap)");
        foreach (var (kind, set) in scored)
        {
            var interval = Bootstrap.Accuracy(set.Scores)!.Value;
            output.WriteLine(
                Words.Text(
                    $"{kind.ToString().ToLowerInvariant(), -10} {Words.Percent(set.AccuracyPercent), 10} {set.Samples, 8}  {interval.Low:0.00} to {interval.High:0.00}"
                )
            );
        }
    }

    private static string PathOf(Host host, string file) => Path.GetFullPath(Path.Combine(host.Folder, file));
}
