using System.CommandLine;
using CoIN.Actors.Hosting;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Judging.UserStudy;
using CoIN.Cli.Hosting;
using CoIN.Cli.Views;

namespace CoIN.Cli.Commands;

/// <summary><c>coin judge export</c> and <c>import</c>: people score blinded answers of a run.</summary>
internal static class UserStudyCommands
{
    private const string Page = "study.html";
    private const string Template = "scores.csv";

    public static Command Export(Host host, Argument<string?> run, Option<string?> runs)
    {
        var cells = new Option<string>("--cells")
        {
            HelpName = "CELLS",
            Description = "all, final, just-trained, or stage:task,… (stage 0: the base model)",
            DefaultValueFactory = _ => "all",
        };
        var samples = NumberOption.Whole("--samples", "How many answers, evenly from the cells", usual: 100, least: 1);
        var seed = NumberOption.Whole("--seed", "Seed of draw and order", usual: 42);
        var folder = new Option<string?>("--out") { HelpName = "DIR", Description = "Where the page goes; by default <run>-study here" };
        var command = new Command("export", "Write a page on which people score blinded answers") { run, cells, samples, seed, folder };
        command.SetAction(parsed =>
            Export(
                host,
                parsed.GetValue(run),
                parsed.GetValue(runs),
                parsed.GetValue(cells)!,
                parsed.GetValue(samples),
                parsed.GetValue(seed),
                parsed.GetValue(folder)
            )
        );
        return command;
    }

    public static Command Import(Host host, Option<string?> runs)
    {
        var run = new Argument<string>("run")
        {
            CompletionSources = { CommandTree.RunIds(host, runs) },
            Description = "The run's id or the beginning of it",
        };
        var files = new Argument<string[]>("csv") { Arity = ArgumentArity.OneOrMore, Description = "One file of scores per person" };
        var name = new Option<string>("--name")
        {
            HelpName = "NAME",
            Description = "Name of this judge in reports",
            DefaultValueFactory = _ => "people",
        };
        var command = new Command("import", "Read people's scores and compare them with the other judges") { run, files, name };
        command.SetAction(
            (parsed, _) => ImportAsync(host, parsed.GetValue(run)!, parsed.GetValue(runs), parsed.GetValue(files)!, parsed.GetValue(name)!)
        );
        return command;
    }

    private static int Export(Host host, string? run, string? runs, string cells, int samples, int seed, string? to)
    {
        var (id, runFolder) = InspectCommands.Locate(host, run, runs);
        var (study, images, key) = host.Engine.DrawStudy(runFolder, cells, samples, seed);
        var folder = Path.GetFullPath(Path.Combine(host.Folder, to ?? Path.GetFileName(runFolder) + "-study"));
        Durable.WriteText(Path.Combine(folder, Page), StudyPage.Render(study, image => StudyImage.DataUri(Path.Combine(images, image))));
        Durable.WriteText(Path.Combine(folder, Template), StudyScores.Template(study));
        host.Out.WriteLine(Words.Text($"Study {study.Id}: {study.Items.Count} blinded answers of {id}."));
        host.Out.WriteLine($"  {Path.Combine(folder, Page)}   for the people who score; it works without network");
        host.Out.WriteLine($"  {Path.Combine(folder, Template)}   the same as a table to fill in");
        host.Out.WriteLine($"  {key}   which answer is whose: keep it to yourself");
        host.Out.WriteLine($"Then: ./run.sh judge import {id} scores-*.csv");
        return ExitCodes.Done;
    }

    private static async Task<int> ImportAsync(Host host, string run, string? runs, string[] files, string name)
    {
        if (!JudgeOptions.IsName(name))
        {
            throw Usage.Fault($"--name {name}: a judge's name is of {JudgeOptions.NameRule}.");
        }

        var (id, folder) = InspectCommands.Locate(host, run, runs);
        var import = await host
            .Engine.ImportStudyAsync(folder, [.. files.Select(file => Path.GetFullPath(Path.Combine(host.Folder, file)))], name)
            .ConfigureAwait(false);
        host.Out.WriteLine(
            Words.Text(
                $"{Plural.Of(import.Answers, "answer")} of {id} scored by {string.Join(", ", import.Raters)}; recorded as the judge {name} in {Plural.Of(import.Cells, "cell")}."
            )
        );
        if (import.Judges.Count + import.Between.Count > 0)
        {
            host.Out.WriteLine();
            var lines = import
                .Judges.Select(judge => ($"{name} and {judge.Judge} ({Words.Of(judge.Kind)})", judge.Agreement))
                .Concat(import.Between.Select(pair => ($"{pair.One} and {pair.Other}", pair.Agreement)))
                .ToList();
            var width = lines.Max(line => line.Item1.Length);
            host.Out.WriteLine(
                $"{"agreement".PadRight(width)} {"answers", 8} {"Pearson", 8} {"Spearman", 9} {"kappa", 7} {"weighted", 9} {"difference", 11}"
            );
            foreach (var (who, agreement) in lines)
            {
                host.Out.WriteLine(Line(who.PadRight(width), agreement));
            }

            host.Out.WriteLine();
            host.Out.WriteLine(
                "kappa: Cohen's, over whole scores; weighted: with quadratic weights; difference: mean absolute, in points of 10."
            );
        }

        foreach (var file in import.Reports)
        {
            host.Out.WriteLine(file);
        }

        return ExitCodes.Done;
    }

    private static string Line(string who, Agreement agreement) =>
        Words.Text(
            $"{who} {agreement.Count, 8} {Number(agreement.Pearson), 8} {Number(agreement.Spearman), 9} {Number(agreement.Kappa), 7} {Number(agreement.WeightedKappa), 9} {agreement.MeanDifference, 11:0.00}"
        );

    private static string Number(double? value) => value is { } known ? Words.Text($"{known:0.000}") : "-";
}
