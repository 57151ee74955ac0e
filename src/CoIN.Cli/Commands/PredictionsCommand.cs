using System.CommandLine;
using System.Globalization;
using CoIN.Actors.Journal;
using CoIN.Benchmark;
using CoIN.Benchmark.Runs;
using CoIN.Benchmark.Work;
using CoIN.Cli.Engine;
using CoIN.Cli.Hosting;
using CoIN.Cli.Runs;
using CoIN.Cli.Views;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace CoIN.Cli.Commands;

/// <summary><c>coin predictions</c>: a run's answers with questions and truths.</summary>
internal static class PredictionsCommand
{
    private const int Usual = 20;

    public static Command Build(Host host, Argument<string?> run, Option<string?> runs)
    {
        var stage = NumberOption.Optional(
            "--stage",
            "After which stage, 0 for the base model; by default the last one in which the task is answered",
            0
        );
        var task = new Option<string?>("--task")
        {
            HelpName = "TASK",
            Description = "Tested on which task; by default the last one that is answered",
        };
        var wrong = new Option<bool>("--wrong") { Description = "Only answers that the published rule gives nothing" };
        var limit = NumberOption.Whole("--limit", "At most so many; 0 for all", Usual, 0);
        var json = new Option<bool>("--json") { Description = "A JSON object a line" };
        var command = new Command("predictions", "Show a run's answers with their questions and truths")
        {
            run,
            stage,
            task,
            wrong,
            limit,
            json,
        };
        command.SetAction(parsed =>
            Show(
                host,
                InspectCommands.Locate(host, parsed.GetValue(run), parsed.GetValue(runs)),
                parsed.GetValue(stage),
                parsed.GetValue(task),
                parsed.GetValue(wrong),
                parsed.GetValue(limit),
                parsed.GetValue(json)
            )
        );
        return command;
    }

    private static int Show(Host host, FoundRun run, int? stage, string? task, bool wrong, int limit, bool json)
    {
        var folder = run.Folder;
        var state = RunJournal.Look(folder) ?? throw new CoinException($"The run in {folder} has not begun; nothing is answered.");
        var (row, place) = Cell(state, stage, task);
        var name = state.TaskNames[place];
        var all = AnsweredSamples.Of(
            folder,
            state,
            RunFiles.TestSet(state, place, new BenchmarkWork(paths: OwnPaths.Of(folder))),
            row,
            place
        );
        var shown = all.Where(sample => !wrong || sample.IsWrong).ToList();
        foreach (var (sample, number) in shown.Take(limit == 0 ? int.MaxValue : limit).Select((sample, place) => (sample, place + 1)))
        {
            if (json)
            {
                host.Out.WriteLine(Json(run.Name, sample, row, name));
            }
            else
            {
                Write(host.Out, sample, number);
            }
        }

        if (!json)
        {
            host.Out.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{run.Name}, {name} {(row == 0 ? "with the base model" : Words.Text($"after stage {row}"))}: {all.Count} answered, "
                )
                    + (
                        wrong
                            ? Words.Text($"{shown.Count} of them wrong by the published rule")
                            : Words.Text($"{all.Count(one => one.IsWrong)} of them wrong by the published rule")
                    )
                    + (limit > 0 && shown.Count > limit ? Words.Text($"; the first {limit} are shown (--limit 0 shows all)") : "")
            );
        }

        return ExitCodes.Done;
    }

    private static (int Stage, int Task) Cell(RunState state, int? stage, string? task)
    {
        var place = task is null ? -1 : state.TaskNames.ToList().FindIndex(name => name.Equals(task, StringComparison.OrdinalIgnoreCase));
        if (task is not null && place < 0)
        {
            throw Usage.Fault($"--task {task}: the run has the tasks {string.Join(", ", state.TaskNames)}.");
        }

        var answered = state
            .Cells.Values.Select(cell => (cell.Number, Cell: (cell.Stage, cell.Task)))
            .Concat(state.Shards.Values.Select(shard => (shard.Number, Cell: (shard.Stage, shard.Task))))
            .Where(one => (stage ?? one.Cell.Stage) == one.Cell.Stage && (task is null || place == one.Cell.Task))
            .ToList();
        return answered.Count > 0
            ? answered.MaxBy(one => task is not null ? (one.Cell.Stage, one.Number) : (0, one.Number)).Cell
            : throw new CoinException(
                $"Nothing is answered yet{(task is null ? "" : $" of {task}")}{(stage is { } number ? Words.Text($" after stage {number}") : "")}. ./run.sh status shows what is."
            );
    }

    private static string Json(string run, AnsweredSample sample, int stage, string task) =>
        new JObject
        {
            ["run"] = run,
            ["stage"] = stage,
            ["task"] = task,
            ["question_id"] = sample.Sample.QuestionId,
            ["image"] = sample.Sample.Image,
            ["question"] = sample.Sample.Text,
            ["truths"] = new JArray(sample.Sample.Answers),
            ["answer"] = sample.Answer,
            ["published"] = sample.Score?.Published,
            ["corrected"] = sample.Score?.Corrected,
        }.ToString(Formatting.None);

    private static void Write(TextWriter output, AnsweredSample sample, int number)
    {
        output.WriteLine(Words.Text($"{number}. {sample.Sample.QuestionId}") + (sample.Sample.Image is { } image ? $"  {image}" : ""));
        foreach (var line in sample.Sample.Text.ReplaceLineEndings("\n").Split('\n'))
        {
            output.WriteLine($"   {line}");
        }

        output.WriteLine($"   answer  {sample.Answer.ReplaceLineEndings(" ")}");
        output.WriteLine($"   truth   {string.Join(" / ", sample.Sample.Answers.Distinct()).ReplaceLineEndings(" ")}");
        output.WriteLine(Words.Text($"   scores  published {Score(sample.Score?.Published)}, corrected {Score(sample.Score?.Corrected)}"));
        output.WriteLine();
    }

    private static string Score(double? score) => score is { } known ? Words.Text($"{known:0.###}") : "–";
}
