using System.Globalization;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace CoIN.Benchmark.Runs;

/// <summary>What lies in a run's folder beside its journal: whether the journal can be the one that it was written with.</summary>
public static class RunTraces
{
    /// <summary>Stages, predictions, scores, judgements and reports in the folder, by name.</summary>
    public static IReadOnlyList<string> In(string runFolder) =>
        [
            .. new[] { "stages", "predictions", "scores", "judgements" }.Where(name =>
                Directory.Exists(Path.Combine(runFolder, name)) && Directory.EnumerateFileSystemEntries(Path.Combine(runFolder, name)).Any()
            ),
            .. new[] { RunPaths.JsonReport, RunPaths.MarkdownReport, RunPaths.HtmlReport }.Where(name =>
                File.Exists(Path.Combine(runFolder, name))
            ),
        ];

    /// <summary>For a folder whose journal has no events: it has to be a new one.</summary>
    /// <exception cref="CoinException">The folder holds what a run left.</exception>
    public static void RequireNone(string runFolder)
    {
        if (In(runFolder) is { Count: > 0 } traces)
        {
            var journal = Path.Combine(runFolder, RunPaths.Journal);
            throw new CoinException(
                $"The journal {journal} {(File.Exists(journal) ? "is empty" : "is gone")}, but the folder holds the {string.Join(", ", traces)} of a run. "
                    + "They are left as they are: without its journal nobody knows what they are worth. Put the journal back from a copy; "
                    + $"or do the experiment anew, in a folder of its own: ./run.sh run {Path.Combine(runFolder, RunPaths.Settings)}"
            )
            {
                IsFinal = true,
            };
        }
    }

    /// <summary>The report in the folder has to be one of the journal's run.</summary>
    /// <exception cref="CoinException">It is of another run.</exception>
    public static void RequireSameRun(string runFolder, RunState state)
    {
        var path = Path.Combine(runFolder, RunPaths.JsonReport);
        if (ReportedRun(path) is { } reported && reported != state.Started!.RunId)
        {
            throw new CoinException(
                $"The journal in {runFolder} is of the run {state.Started.RunId}, but {path} is of the run {reported}. "
                    + $"Put the journal of {reported} back; if the folder is to hold {state.Started.RunId}, move away what is of {reported}."
            )
            {
                IsFinal = true,
            };
        }
    }

    /// <summary>
    /// For a run that is to go on: nothing may lie in its folder that by its journal cannot be there yet. One process at its end leaves at
    /// most the files of the event that it did not come to write.
    /// </summary>
    /// <exception cref="CoinException">The journal is older than the files, or of another run; going on would overwrite them.</exception>
    public static void RequireNoLater(string runFolder, RunState state)
    {
        if (Later(runFolder, state).Order(StringComparer.Ordinal).ToList() is { Count: > 0 } later)
        {
            throw new CoinException(
                $"The journal in {runFolder} knows nothing of {string.Join(", ", later)}: it is older than the folder, or of another run. Going on would write over them. "
                    + "Put back the journal that they were written with, or move them away; then the run does that work again."
            )
            {
                IsFinal = true,
            };
        }
    }

    private static IEnumerable<string> Later(string runFolder, RunState state)
    {
        var curriculum = state.Curriculum;
        var next = curriculum.Trained.FirstOrDefault(stage => !state.Trained.ContainsKey(stage.Number));
        foreach (var (name, stage) in Numbered(runFolder, "stages", ""))
        {
            if (
                (!state.Trained.ContainsKey(stage) && stage != next?.Number)
                || $"stages/{name}" != RunPaths.Stage(stage, curriculum.Stage(stage).Name)
            )
            {
                yield return $"stages/{name}";
            }
        }

        foreach (var folder in new[] { "predictions", "scores" })
        {
            foreach (var (name, stage) in Numbered(runFolder, folder, "stage-"))
            {
                if (!state.Trained.ContainsKey(stage))
                {
                    yield return $"{folder}/{name}";
                }
            }

            if (curriculum.Base is null && HoldsFiles(Path.Combine(runFolder, folder, "zero-shot")))
            {
                yield return $"{folder}/zero-shot";
            }
        }
    }

    /// <summary>Folders with files whose names have a stage's number after a prefix.</summary>
    private static IEnumerable<(string Name, int Stage)> Numbered(string runFolder, string folder, string prefix)
    {
        var path = Path.Combine(runFolder, folder);
        foreach (var found in Directory.Exists(path) ? Directory.EnumerateDirectories(path) : [])
        {
            var name = Path.GetFileName(found);
            var digits = name.StartsWith(prefix, StringComparison.Ordinal)
                ? new string([.. name.Skip(prefix.Length).TakeWhile(char.IsAsciiDigit)])
                : "";
            if (int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var stage) && HoldsFiles(found))
            {
                yield return (name, stage);
            }
        }
    }

    private static bool HoldsFiles(string folder) =>
        Directory.Exists(folder) && Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Any();

    private static string? ReportedRun(string path)
    {
        try
        {
            return File.Exists(path) ? JObject.Parse(File.ReadAllText(path)).Value<string>("run") : null;
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException or InvalidCastException)
        {
            // A report that cannot be read is written anew; it tells nothing.
            return null;
        }
    }
}
