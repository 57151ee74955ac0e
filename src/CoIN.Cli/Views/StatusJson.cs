using CoIN.Benchmark.Runs;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace CoIN.Cli.Views;

/// <summary>How runs stand, for programs: what <c>--json</c> prints, and what the live page is told.</summary>
internal static class StatusJson
{
    /// <summary>As it is printed.</summary>
    public static string Text(JToken json) => json.ToString(Formatting.Indented);

    /// <summary>A run.</summary>
    /// <param name="name">What it is called on a command line.</param>
    /// <param name="snapshot">Null where nothing has happened yet.</param>
    /// <param name="driven">A process drives it.</param>
    public static JObject Of(string name, string folder, RunSnapshot? snapshot, bool driven) =>
        snapshot is null
            ? new JObject
            {
                ["run"] = name,
                ["folder"] = folder,
                ["status"] = driven ? "starting" : "not begun",
                ["driven"] = driven,
            }
            : new JObject
            {
                ["run"] = name,
                ["folder"] = folder,
                ["status"] = Words.Of(snapshot.Status),
                ["driven"] = driven,
                ["message"] = snapshot.Message,
                ["elapsedSeconds"] = Math.Round(snapshot.Elapsed.TotalSeconds, 1),
                ["remainingSeconds"] = snapshot.Remaining is { } left ? Math.Round(left.TotalSeconds, 1) : null,
                ["tasks"] = new JArray(snapshot.Tasks),
                ["stages"] = new JArray(snapshot.Stages),
                ["stagesTrained"] = snapshot.StagesTrained,
                ["training"] = snapshot.Training is { } training ? Training(training) : null,
                ["evaluations"] = new JArray(
                    snapshot.Evaluations.Select(one => new JObject
                    {
                        ["stage"] = one.Stage,
                        ["task"] = one.Task,
                        ["answered"] = one.Answered,
                        ["total"] = one.Total,
                    })
                ),
                ["judging"] = new JArray(
                    snapshot.Judging.Select(one => new JObject
                    {
                        ["stage"] = one.Stage,
                        ["task"] = one.Task,
                        ["judge"] = one.Judge,
                        ["judged"] = one.Judged,
                        ["total"] = one.Total,
                    })
                ),
                ["workers"] = new JArray(
                    snapshot.Workers.Select(one => new JObject
                    {
                        ["name"] = one.Name,
                        ["node"] = one.Node,
                        ["doing"] = one.Doing,
                    })
                ),
                ["tests"] = new JArray(
                    Rows(snapshot)
                        .Select(row => new JObject
                        {
                            ["stage"] = row.Stage,
                            ["label"] = row.Label,
                            ["tasks"] = new JArray(row.Tasks),
                            ["own"] = row.Own,
                        })
                ),
                ["measures"] = new JArray(Measures(snapshot)),
                ["judgingFaults"] = JObject.FromObject(snapshot.JudgingFaults),
                ["missingJudgements"] = snapshot.MissingJudgements,
            };

    /// <summary>A line of the list of runs.</summary>
    /// <param name="fault">Why it cannot be read; null otherwise.</param>
    public static JObject Row(string name, string folder, RunSnapshot? snapshot, bool driven, string? fault) =>
        new()
        {
            ["run"] = name,
            ["folder"] = folder,
            ["status"] =
                fault is not null ? "unreadable"
                : snapshot is { } known ? Words.Of(known.Status)
                : driven ? "starting"
                : "not begun",
            ["message"] = fault ?? snapshot?.Message,
            ["stagesTrained"] = snapshot?.StagesTrained,
            ["stages"] = snapshot?.Stages.Count,
            ["maa"] = snapshot is null ? null : MatrixMetrics.MeanAverageAccuracy(snapshot),
            ["bwt"] = snapshot is null ? null : MatrixMetrics.BackwardTransfer(snapshot),
            ["scoring"] = "published",
        };

    private static JObject Training(TrainingProgress training) =>
        new()
        {
            ["stage"] = training.Stage,
            ["task"] = training.Task,
            ["step"] = training.Step,
            ["totalSteps"] = training.TotalSteps,
            ["microBatch"] = training.MicroBatch,
            ["microBatches"] = training.MicroBatches,
            ["loss"] = training.Last?.Loss,
            ["learningRate"] = training.Last?.LearningRate,
            ["tokensPerSecond"] = training.TokensPerSecond,
            ["conclusion"] = training.Conclusion is { } end ? new JObject { ["done"] = end.Done, ["total"] = end.Total } : null,
        };

    private static IEnumerable<JObject> Measures(RunSnapshot snapshot)
    {
        yield return Measure("published", Words.TruthAlignment, snapshot);
        var corrected = snapshot with { Cells = snapshot.Corrected, ZeroShot = snapshot.CorrectedZeroShot };
        if (corrected.Cells.Append(corrected.ZeroShot).Any(row => row.Any(cell => cell is not null)))
        {
            yield return Measure("corrected", "Truth Alignment, corrected rules", corrected);
        }

        foreach (var judged in snapshot.Judgements)
        {
            var shown = snapshot with
            {
                Cells = snapshot.ZeroShot.Count > 0 ? [] : judged.Cells,
                ZeroShot = snapshot.ZeroShot.Count > 0 ? judged.ZeroShot : [],
            };
            yield return Measure(
                $"judge {judged.Judge}",
                $"Reasoning Capability by {judged.Judge} ({Words.Of(judged.Kind)}), published parser",
                shown
            );
        }
    }

    private static JObject Measure(string key, string name, RunSnapshot shown) =>
        new()
        {
            ["key"] = key,
            ["name"] = name,
            ["rows"] = new JArray(
                Rows(shown)
                    .Select(row => new JArray(
                        shown.Tasks.Select(
                            (_, task) =>
                                row.Tasks.ToList().IndexOf(task) is >= 0 and var place && row.Values.ElementAtOrDefault(place) is { } cell
                                    ? (JToken)cell
                                    : JValue.CreateNull()
                        )
                    ))
            ),
            ["maa"] = MatrixMetrics.MeanAverageAccuracy(shown),
            ["bwt"] = MatrixMetrics.BackwardTransfer(shown),
            ["soFar"] = MatrixMetrics.SoFar(shown) is { } known
                ? new JObject
                {
                    ["rows"] = known.Rows,
                    ["maa"] = known.Maa,
                    ["bwt"] = known.Bwt,
                }
                : null,
        };

    /// <summary>The matrix row by row: which tasks each tests, by their places in the order.</summary>
    private static IEnumerable<(int Stage, string Label, IReadOnlyList<int> Tasks, int? Own, IReadOnlyList<double?> Values)> Rows(
        RunSnapshot snapshot
    )
    {
        if (snapshot.ZeroShot.Count > 0)
        {
            yield return (
                0,
                snapshot.GivenAdapter is null ? "base model" : "adapter",
                [.. Enumerable.Range(0, snapshot.ZeroShot.Count)],
                null,
                snapshot.ZeroShot
            );
        }

        foreach (var (row, place) in snapshot.Cells.Select((row, place) => (row, place)))
        {
            var tests = snapshot.Curriculum?.Trained.ElementAtOrDefault(place)?.Tests ?? [.. Enumerable.Range(0, row.Count)];
            yield return (
                place + 1,
                Words.Text($"{place + 1} {snapshot.Stages[place]}"),
                tests,
                MatrixMetrics.IsJoint(snapshot) ? null : place,
                row
            );
        }
    }
}
