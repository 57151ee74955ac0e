using System.Globalization;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Reports.Results;

namespace CoIN.Benchmark.Reports.Comparison;

/// <summary>Finds what makes the numbers of runs differ in meaning, not only in value.</summary>
internal static class Comparability
{
    /// <summary>Sentences about every run that cannot simply be held against the first one; empty if all can.</summary>
    public static IReadOnlyList<string> Warnings(IReadOnlyList<ReportedRun> compared)
    {
        IReadOnlyList<RunReport> runs = [.. compared.Select(run => run.Report)];
        var first = runs[0];
        return
        [
            .. runs.Where(run => run.Status != "completed")
                .Select(run => $"{run.RunId} is {run.Status}: cells are missing, and MAA and BWT with them."),
            .. runs.Skip(1)
                .SelectMany(run =>
                    Tasks(first, run)
                        .Concat(Tests(first, run))
                        .Concat(Scorers(first, run))
                        .Concat(Answers(first, run))
                        .Concat(Steps(first, run))
                ),
            .. compared.Skip(1).SelectMany(run => Corrected(compared[0], run)),
        ];
    }

    private static IEnumerable<string> Tasks(RunReport first, RunReport other)
    {
        if (!first.Tasks.Order(StringComparer.Ordinal).SequenceEqual(other.Tasks.Order(StringComparer.Ordinal)))
        {
            yield return $"{first.RunId} and {other.RunId} have different tasks: their MAA and BWT are means over different things.";
        }
        else if (!first.Tasks.SequenceEqual(other.Tasks))
        {
            yield return $"{first.RunId} and {other.RunId} learned the tasks in different orders: MAA, BWT and final accuracies depend on the order.";
        }

        foreach (
            var joint in first.Curriculum.IsJoint == other.Curriculum.IsJoint
                ? []
                : new[] { first, other }.Where(run => run.Curriculum.IsJoint)
        )
        {
            yield return $"{joint.RunId} learned all tasks at once: its MAA is the mean of its one row, and its BWT is not defined.";
        }

        if ((first.Curriculum.Trained.Count == 0) != (other.Curriculum.Trained.Count == 0))
        {
            yield return $"One of {first.RunId} and {other.RunId} is a zero-shot run: it has one accuracy per task, and no MAA and BWT.";
        }
    }

    private static IEnumerable<string> Tests(RunReport first, RunReport other)
    {
        foreach (var test in first.DataFiles.Where(file => file.Use == "test"))
        {
            if (other.DataFiles.FirstOrDefault(file => file.Use == "test" && file.Task == test.Task) is not { } same)
            {
                continue;
            }

            if (same.Sha256 != test.Sha256)
            {
                yield return $"{test.Task}: {first.RunId} and {other.RunId} were tested on different files "
                    + $"(SHA-256 {RunSettings.Short(test.Sha256)} and {RunSettings.Short(same.Sha256)}). These accuracies do not compare.";
            }
            else if (same.SamplesUsed != test.SamplesUsed)
            {
                yield return string.Create(
                    CultureInfo.InvariantCulture,
                    $"{test.Task}: {first.RunId} was tested on {Plural.Of(test.SamplesUsed, "sample")}, {other.RunId} on {same.SamplesUsed} of the same file."
                );
            }
        }
    }

    private static IEnumerable<string> Scorers(RunReport first, RunReport other)
    {
        if (first.Options is null || other.Options is null)
        {
            yield break;
        }

        if (Quantized(first.Options.Model) != Quantized(other.Options.Model))
        {
            yield return $"{first.RunId} holds its base model {Quantized(first.Options.Model)}, {other.RunId} "
                + $"{Quantized(other.Options.Model)}: all their numbers differ by that too.";
        }

        foreach (var task in first.Options.Tasks)
        {
            if (other.Options.Tasks.FirstOrDefault(one => one.Name == task.Name) is { } same && same.Scorer != task.Scorer)
            {
                yield return $"{task.Name}: {first.RunId} is scored by {task.Scorer}, {other.RunId} by {same.Scorer}. These accuracies do not compare.";
            }
        }
    }

    /// <summary>What makes the same adapter answer otherwise.</summary>
    private static IEnumerable<string> Answers(RunReport first, RunReport other)
    {
        if (first.Options is not { } one || other.Options is not { } two)
        {
            yield break;
        }

        var keys = new[]
        {
            (Key: "evaluation.prompt", Differs: one.Evaluation.Prompt != two.Evaluation.Prompt),
            (Key: "evaluation.lora-alpha", Differs: one.Evaluation.LoraAlpha != two.Evaluation.LoraAlpha),
            (Key: "evaluation.merge-adapter", Differs: one.MergesRounded() != two.MergesRounded()),
        }
            .Where(each => each.Differs)
            .Select(each => each.Key)
            .ToList();
        if (keys.Count > 0)
        {
            yield return $"{first.RunId} and {other.RunId} answered otherwise ({string.Join(", ", keys)}): the same adapter would have other "
                + "accuracies by that alone.";
        }
    }

    private static string Quantized(ModelOptions model) =>
        model.Quantization == BaseQuantization.None
            ? "unquantized"
            : string.Create(
                CultureInfo.InvariantCulture,
                $"in 4 bits (nf4, blocks of {model.QuantizationBlockSize}{(model.DoubleQuantization ? ", double quantization" : "")})"
            );

    /// <summary>What adds a step's gradients up in another order.</summary>
    private static IEnumerable<string> Steps(RunReport first, RunReport other)
    {
        if (
            first.Options is not { } one
            || other.Options is not { } two
            || first.Curriculum.Trained.Count == 0
            || other.Curriculum.Trained.Count == 0
        )
        {
            yield break;
        }

        if (one.Training.MicroBatchTokens != two.Training.MicroBatchTokens)
        {
            yield return $"{first.RunId} was trained in micro-batches of {Counted(one.Training)}, {other.RunId} of {Counted(two.Training)}: "
                + "gradients were added in another order, and dropout drew other masks. Small differences may come of it.";
        }

        if (one.Training.WorldSize != two.Training.WorldSize)
        {
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"{first.RunId} was trained with world size {one.Training.WorldSize}, {other.RunId} with {two.Training.WorldSize}: "
            )
                + "gradients were added in another order, which changes last bits, and over a run more than these. Small differences may come of it.";
        }
    }

    private static string Counted(TrainingOptions training) =>
        training.MicroBatchTokens is { } tokens
            ? string.Create(CultureInfo.InvariantCulture, $"up to {tokens} tokens")
            : "counted samples (training.batch-size)";

    private static IEnumerable<string> Corrected(ReportedRun first, ReportedRun other)
    {
        var (one, two) = (HasCorrected(first.Report), HasCorrected(other.Report));
        if (one != two)
        {
            var lacking = one ? other : first;
            yield return $"{lacking.Report.RunId} has no corrected scores. ./run.sh rescore {lacking.Name} computes them from its predictions.";
        }

        static bool HasCorrected(RunReport run) => run.Cells.Any(cell => cell.Scored.Corrected is not null);
    }
}
