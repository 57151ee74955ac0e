using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Predictions;
using CoIN.Benchmark.Reports;
using CoIN.Benchmark.Reports.Examples;
using CoIN.Benchmark.Runs;
using CoIN.Benchmark.Scoring;
using CoIN.Benchmark.Tests.Support;

namespace CoIN.Benchmark.Tests.Reports;

/// <summary>A run of three tasks with everything that a run can have: both scorings, a judge, predictions and test samples.</summary>
internal sealed class RichRun
{
    private static readonly string[] Tasks = ["ScienceQA", "GQA", "A<B"];
    private readonly TemporaryFolder folder;

    public RichRun(TemporaryFolder folder)
    {
        this.folder = folder;
        Report = Reports.Sequential() with
        {
            Tasks = Tasks,
            Stages = [.. Tasks.Select(task => Reports.Of(Reports.Sequential().Stages[0], task))],
            Cells = [.. Enumerable.Range(1, 3).SelectMany(stage => Tasks.Take(stage).Select(task => Cell(stage, task)))],
        };
    }

    public RunReport Report { get; }

    public ExampleData Data(IReportAids? aids = null) =>
        new(
            task =>
                [
                    .. Enumerable
                        .Range(0, 4)
                        .Select(n => new TestSample($"{task}-{n}", $"./{n}.png", $"Question {n} of {task}?", $"truth <{n}>")),
                ],
            "/images",
            aids
        );

    /// <summary>
    /// Four samples. Just trained: the first three are right. Later: the first is wrong by both rules, the second wrong by the published
    /// rule alone, the third right, the fourth never.
    /// </summary>
    private CellReport Cell(int stage, string task)
    {
        var place = Array.IndexOf(Tasks, task);
        var own = stage == place + 1;
        double[] published = own ? [1, 1, 1, 0] : [0, 0, 1, 0];
        double[] corrected = own ? [1, 1, 1, 0] : [0, 1, 1, 0];
        var name = FormattableString.Invariant($"{stage}-{place}.jsonl");
        PredictionsFile.Write(
            folder.File("predictions/" + name),
            [.. Enumerable.Range(0, 4).Select(n => new Prediction($"{task}-{n}", $"answer {n} of stage {stage}"))]
        );
        ScoresFile.Write(
            folder.File("scores/" + name),
            [.. Enumerable.Range(0, 4).Select(n => new SampleScore($"{task}-{n}", published[n], corrected[n]))]
        );
        folder.Write(
            "judgements/" + name,
            string.Concat(
                Enumerable
                    .Range(0, 4)
                    .Select(n =>
                        $"{{\"question_id\":\"{task}-{n}\",\"reply\":\"{corrected[n] * 8}\",\"published\":{corrected[n] * 8},\"corrected\":{(n == 3 ? "null" : $"{corrected[n] * 8}")}}}\n"
                    )
            )
        );
        return new CellReport(
            task,
            new CellScored(stage, place, published.Average() * 100, 4, "predictions/" + name, "p")
            {
                Corrected = corrected.Average() * 100,
                CorrectedSamples = 4,
                ScoresFile = "scores/" + name,
            }
        )
        {
            Judgements =
            [
                new(
                    stage,
                    place,
                    "words",
                    JudgeKind.Lexical,
                    null,
                    "i",
                    corrected.Average() * 80,
                    corrected.Sum() * 80 / 3,
                    4,
                    1,
                    "judgements/" + name,
                    "j"
                ),
            ],
        };
    }
}
