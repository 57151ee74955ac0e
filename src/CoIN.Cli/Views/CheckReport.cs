using CoIN.Benchmark.Checking;
using CoIN.Benchmark.Experiments;

namespace CoIN.Cli.Views;

/// <summary>A finished check of data as text: the tasks with their counts beside the paper's, then what was found by kind.</summary>
internal static class CheckReport
{
    /// <param name="skipped">Why prompts were not measured; null where they were.</param>
    /// <param name="file">Where every finding was written.</param>
    public static IEnumerable<string> Lines(CheckSummary summary, ExperimentOptions options, string? skipped, TimeSpan time, string file)
    {
        yield return "";
        foreach (var line in Tasks(summary.Tasks))
        {
            yield return line;
        }

        foreach (var severity in new[] { Severity.Error, Severity.Warning })
        {
            var kinds = summary.Kinds.Where(kind => kind.Kind.Severity == severity).ToList();
            if (kinds.Count > 0)
            {
                yield return "";
                yield return severity == Severity.Error ? "Errors" : "Warnings";
            }

            foreach (var line in kinds.SelectMany(kind => Kind(kind, summary, options)))
            {
                yield return line;
            }
        }

        yield return "";
        if (skipped is not null)
        {
            yield return $"Prompts were not measured against the length limit: {skipped}.";
        }

        yield return summary.Stopped
            ? Words.Text($"Stopped after {Words.Duration(time)}: {Counts(summary)} until then. They are in {file}")
            : Words.Text($"{Counts(summary)} in {Words.Duration(time)}. Every finding is a line of {file}");
    }

    private static IEnumerable<string> Tasks(IReadOnlyList<TaskSummary> tasks)
    {
        if (tasks.Count == 0)
        {
            yield break;
        }

        var width = Math.Max(4, tasks.Max(task => task.Task.Length));
        string Row(
            string task,
            string train,
            string paperTrain,
            string test,
            string paperTest,
            string images,
            string text,
            string errors,
            string warnings
        ) =>
            $"{task.PadRight(width)} {train, 8} {paperTrain, 16} {test, 8} {paperTest, 16} {images, 8} {text, 9} {errors, 7} {warnings, 8}".TrimEnd();
        yield return Row("task", "train", "paper's", "test", "paper's", "images", "text only", "errors", "warnings");
        foreach (var task in tasks)
        {
            var paper = PublishedCounts.Of(task.Task);
            yield return Row(
                task.Task,
                Number(task.TrainingSamples),
                Paper(paper?.Table1Train, paper?.AppendixTrain),
                Number(task.TestSamples),
                Paper(paper?.Table1Test, paper?.AppendixTest),
                Number(task.Images),
                Number(task.TextOnly),
                Number(task.Errors),
                Number(task.Warnings)
            );
        }

        if (tasks.Any(task => PublishedCounts.Of(task.Task) is not null))
        {
            yield return "The paper's counts are those of its Table 1 (in thousands) and of its Appendix A.2, which differ; most of its results are on parts of the test sets.";
        }
    }

    private static IEnumerable<string> Kind(KindSummary kind, CheckSummary summary, ExperimentOptions options)
    {
        yield return Words.Text(
            $"  {kind.Count:#,0} × {kind.Kind.Name}: {kind.Kind.Title} ({string.Join(", ", kind.ByTask.Select(one => Words.Text($"{one.Task} {one.Count:#,0}")))})"
        );
        foreach (var example in kind.Examples)
        {
            yield return $"      {example.Place}: {example.Message}";
        }

        if (kind.Count > kind.Examples.Count)
        {
            yield return Words.Text($"      … and {kind.Count - kind.Examples.Count:#,0} more");
        }

        if (
            kind.Kind == FindingKind.MissingImage
            && summary.Tasks.Where(task => kind.ByTask.Contains((task.Task, task.Images))).Select(task => task.Task).ToList()
                is { Count: > 0 } bare
        )
        {
            yield return $"      Every image of {string.Join(", ", bare)} is missing: {options.Data.Images} is probably not the folder to which the paths are relative.";
        }

        yield return $"    → {kind.Kind.Remedy}";
    }

    private static string Counts(CheckSummary summary) =>
        summary.Errors + summary.Warnings == 0
            ? "Nothing was found"
            : $"{Plural(summary.Errors, "error")}, {Plural(summary.Warnings, "warning")}";

    private static string Plural(int count, string noun) => Words.Text($"{count:#,0} {noun}{(count == 1 ? "" : "s")}");

    private static string Number(int? count) => count is { } number ? Words.Text($"{number:#,0}") : "–";

    private static string Paper(int? thousands, int? exact) => exact is null ? "–" : Words.Text($"{thousands}k / {exact:#,0}");
}
