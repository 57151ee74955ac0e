using System.Globalization;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Instructions;
using CoIN.Benchmark.Methods;
using CoIN.Benchmark.Published;
using CoIN.Benchmark.Reports.Comparison;

namespace CoIN.Benchmark.Reports.Paper;

/// <summary>The published result of a run's setting.</summary>
/// <param name="Result">Null where none fits.</param>
/// <param name="Reason">Why none fits, as a sentence; empty where one does.</param>
/// <param name="Remarks">What is not known of the run's setting, or not of the published one's.</param>
internal sealed record PaperMatch(PublishedResult? Result, string Reason, IReadOnlyList<string> Remarks)
{
    /// <summary>
    /// Finds the published result of the same model, method (and number of experts), order, volume, instruction type, and, where there are
    /// several, rank. A zero-shot run fits a result with a zero-shot row, one that trains on all tasks together a result with a multi-task
    /// row, whatever the order.
    /// </summary>
    public static PaperMatch For(RunReport run)
    {
        if (run.Model is not { } model)
        {
            return None("the run's base model is not known, since its folder is gone or does not say.");
        }

        var left = PublishedResults.All;
        foreach (var (fits, otherwise) in Criteria(run, model))
        {
            var kept = left.Where(fits).ToList();
            if (kept.Count == 0)
            {
                return None(otherwise(left));
            }

            left = kept;
        }

        var best = left.FirstOrDefault(result => result.Setting.Rank == run.Options?.Lora.Rank) ?? left[0];
        return new PaperMatch(
            best,
            "",
            [
                .. TypeOf(run) is null
                    ? ["The run's instructions are taken for the type original: the name of their folder does not say."]
                    : Array.Empty<string>(),
                .. Experts(run) is not null && best.Setting.Experts is null
                    ? ["The number of experts of the published run is not known."]
                    : Array.Empty<string>(),
            ]
        );
    }

    /// <summary>The type of a run's instructions, by the name of their folder; null where it says nothing.</summary>
    public static InstructionType? TypeOf(RunReport run)
    {
        var folder = Path.GetFileName(Path.TrimEndingDirectorySeparator(run.Options?.Data.Instructions ?? ""));
        return InstructionTypes
            .Names.Values.Where(type => folder.StartsWith(InstructionTypes.FolderOf(type), StringComparison.OrdinalIgnoreCase))
            .Select(type => (InstructionType?)type)
            .FirstOrDefault();
    }

    /// <summary>What a result must have, one after the other, and what is said where none of those left has it.</summary>
    private static IEnumerable<(Func<PublishedResult, bool> Fits, Func<IReadOnlyList<PublishedResult>, string> Otherwise)> Criteria(
        RunReport run,
        ModelDescription model
    )
    {
        yield return (
            result => result.Setting.Model == model.Name || result.Setting.Model == model.Family,
            left =>
                $"there are no published results of the model {model.Name}; there are of {Values(left, result => result.Setting.Model)}."
        );
        var together = run.Curriculum.IsJoint;
        if (run.Curriculum.Trained.Count == 0 || together)
        {
            yield return (
                result => (together ? result.Truth.MultiTask : result.Truth.ZeroShot).Count > 0,
                _ => $"there is no published {(together ? "multi-task" : "zero-shot")} row of {model.Name}."
            );
        }
        else
        {
            yield return (
                result => result.Setting.Method == run.Method,
                left =>
                    $"there are no published results of the method {run.Method} with {model.Name}; there are of {Values(left, result => result.Setting.Method)}."
            );
            yield return (
                result => Experts(run) is not { } experts || result.Setting.Experts is null || Text(result.Setting.Experts) == experts,
                left =>
                    $"there are none of {run.Method} with {Experts(run)} experts; there are with {Values(left, result => Text(result.Setting.Experts))}."
            );
            yield return (
                result => result.Tasks.SequenceEqual(run.Tasks),
                left =>
                    "none of its model and method has its tasks in its order; the published orders are "
                    + $"{Values(left, result => string.Join(", ", result.Tasks), "; or ")}."
            );
        }

        var volume = run.Options?.Data.Volume ?? 1;
        yield return (
            result => run.Curriculum.Trained.Count == 0 || Math.Abs(result.Setting.Volume - volume) < 1e-9,
            left =>
                $"none of its model, method and order was trained on {Text(100 * volume)} % of the data; there "
                + $"{(left.Count == 1 ? "is" : "are")} {Values(left, result => $"{result.Name} ({Text(100 * result.Setting.Volume)} %)")}."
        );
        var type = TypeOf(run) ?? InstructionType.Original;
        yield return (
            result => result.Setting.Instructions == type,
            left =>
                $"none has instructions of the type {InstructionTypes.NameOf(type)}; there are "
                + $"{Values(left, result => $"{result.Name} ({InstructionTypes.NameOf(result.Setting.Instructions)})")}."
        );
    }

    private static string? Experts(RunReport run) => RunSettings.Of(run).GetValueOrDefault(run.Method + ".experts");

    private static string Values(IEnumerable<PublishedResult> results, Func<PublishedResult, string> of, string between = ", ") =>
        string.Join(between, results.Select(of).Where(value => value.Length > 0).Distinct());

    private static string Text(IFormattable? value) => value?.ToString(null, CultureInfo.InvariantCulture) ?? "";

    private static PaperMatch None(string reason) => new(null, "No published result fits this run: " + reason, []);
}
