using System.Globalization;
using CoIN.Benchmark.Reports.Results;
using CoIN.Benchmark.Reports.Tables;
using CoIN.Benchmark.Scoring;

namespace CoIN.Benchmark.Reports.Paper;

/// <summary>A run beside the paper's printed numbers of the same setting.</summary>
internal static class PaperComparison
{
    /// <summary>Rows of accuracies: the paper's, and this run's by the published rules; "" where the paper's number is not known here.</summary>
    public static TextTable Accuracies(PublishedResult paper, RunResults run)
    {
        var rows = new List<IReadOnlyList<string>>
        {
            Row("Truth Alignment, paper", PaperTable.Final, [.. paper.Tasks.Select(_ => (double?)null)], null, paper.TruthAlignmentBwt),
            Row("Truth Alignment, this run, published rules", PaperTable.Final, run.Published.Matrix.Final, run.Published.Results.Values.Maa, run.Published.Results.Values.Bwt),
        };
        if (paper.Reasoning is { } reasoning)
        {
            var judged = $"Reasoning Capability, paper ({paper.ReasoningJudge})";
            rows.Add(Row(judged, PaperTable.JustTrained, reasoning.JustTrained, null, null));
            rows.Add(Row(judged, PaperTable.Final, reasoning.Final, paper.ReasoningMaa, paper.ReasoningBwt));
            foreach (var judge in run.Measures.Where(measure => measure is { Judge: not null, Scoring: ScoringKind.Published }))
            {
                var title = $"Reasoning Capability, this run ({judge.Judge}, published parser)";
                rows.Add(Row(title, PaperTable.JustTrained, judge.Matrix.JustTrained, null, null));
                rows.Add(Row(title, PaperTable.Final, judge.Matrix.Final, judge.Results.Values.Maa, judge.Results.Values.Bwt));
            }
        }

        return new TextTable(["", "row", .. paper.Tasks, "MAA", "BWT"], rows);
    }

    /// <summary>The paper's setting beside the run's, where the run's is known.</summary>
    public static TextTable Settings(PublishedResult paper, RunReport run)
    {
        var own = new Dictionary<string, string>();
        if (run.Options is { } options)
        {
            own["LoRA rank"] = Text(options.Lora.Rank);
            own["LoRA alpha"] = Text(options.Lora.Alpha);
            own["learning rate"] = Text(options.Training.LearningRate);
            own["epochs"] = options.Training.MaxSteps > 0 ? $"at most {Text(options.Training.MaxSteps)} steps" : Text(options.Training.Epochs);
            own["training samples"] = DataParts.Training(options.Data);
            own["test samples"] = string.Join(", ", run.DataFiles.Where(file => file.Use == "test").Select(file => $"{file.Task} {Text(file.SamplesUsed)}"));
        }

        return new TextTable(
            ["setting", "paper", "this run"],
            [.. paper.Setting.Select(setting => (IReadOnlyList<string>)[setting.Name, setting.Value, own.GetValueOrDefault(setting.Name, "see the data files")])]);
    }

    private static IReadOnlyList<string> Row(string title, string when, IReadOnlyList<double?> cells, double? maa, double? bwt) =>
        [title, when, .. cells.Select(Number), Number(maa), Number(bwt)];

    private static string Number(double? value) => value is null ? "" : MatrixText.Percent(value);

    private static string Text(IFormattable value) => value.ToString(null, CultureInfo.InvariantCulture);
}
