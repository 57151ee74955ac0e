using CoIN.Benchmark.Building;
using CoIN.Benchmark.Checking;

namespace CoIN.Cli.Views;

/// <summary>Built instruction folders as text: counts beside the paper's, what was left out, and what one has to know.</summary>
internal static class BuildReport
{
    public static IEnumerable<string> Lines(IReadOnlyList<BuiltTask> built, BuildOptions options)
    {
        if (built.Count == 0)
        {
            yield break;
        }

        yield return "";
        foreach (var line in Counts(built))
        {
            yield return line;
        }

        foreach (var line in built.SelectMany(LeftOut))
        {
            yield return line;
        }

        yield return "";
        foreach (var line in Remarks(built, options))
        {
            yield return line;
        }

        foreach (var task in built)
        {
            yield return $"{task.Task}: {task.Folder}";
        }
    }

    private static IEnumerable<string> Counts(IReadOnlyList<BuiltTask> built)
    {
        var width = built.Max(task => task.Task.Length);
        string Row(string task, string file, string samples, string of, string questions, string images, string table, string appendix) =>
            $"{task.PadRight(width)}  {file, -10} {samples, 9} {of, 9} {questions, 9} {images, 8} {table, 8} {appendix, 9}".TrimEnd();
        yield return Row("task", "file", "samples", "of", "questions", "images", "Table 1", "App. A.2");
        foreach (var task in built)
        {
            var paper = PublishedCounts.Of(task.Task);
            yield return Split(task.Task, task.Training, paper?.Table1Train, paper?.AppendixTrain);
            yield return Split("", task.Test, paper?.Table1Test, paper?.AppendixTest);
        }

        yield return "Table 1 (in thousands) and Appendix A.2 are the paper's own counts, which differ.";

        string Split(string task, BuiltSplit split, int? thousands, int? exact) =>
            Row(
                task,
                split.File,
                Number(split.Samples),
                Number(split.Available),
                Number(split.Questions),
                Number(split.Images),
                thousands is null ? "–" : $"{thousands}k",
                exact is { } count ? Number(count) : "–"
            );
    }

    private static IEnumerable<string> LeftOut(BuiltTask task)
    {
        foreach (
            var (split, dropped) in new[] { (task.Training, task.Training.Dropped), (task.Test, task.Test.Dropped) }.SelectMany(pair =>
                pair.Dropped.Select(dropped => (pair.Item1, dropped))
            )
        )
        {
            yield return $"  {task.Task} {split.File}: {Number(dropped.Count)} left out because {dropped.Reason} (first {dropped.First})";
        }
    }

    private static IEnumerable<string> Remarks(IReadOnlyList<BuiltTask> built, BuildOptions options)
    {
        foreach (var task in built)
        {
            foreach (var note in task.Notes)
            {
                yield return $"{task.Task}: {note}";
            }
        }

        yield return options.KeepSharedImages
            ? "Training samples whose image is in the task's test set were kept."
            : "No training image of a task is in its test set.";
        if (options.Images is null)
        {
            yield return "Whether the images exist was not looked at: name the image root with --images for that.";
        }
    }

    private static string Number(int number) => Words.Text($"{number:#,0}");
}
