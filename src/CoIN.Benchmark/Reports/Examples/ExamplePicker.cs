using CoIN.Benchmark.Data;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Predictions;
using CoIN.Benchmark.Reports.Results;
using CoIN.Benchmark.Scoring;

namespace CoIN.Benchmark.Reports.Examples;

/// <summary>
/// Chooses the samples that a report shows: for every task and kind the first one in the order of the test file, so that the same run
/// always shows the same.
/// </summary>
internal static class ExamplePicker
{
    /// <summary>Pictures are made so small, in pixels.</summary>
    public const int LongestSide = 320;

    private static readonly (ExampleKind Kind, int Most)[] Wanted =
    [
        (ExampleKind.Forgotten, 8),
        (ExampleKind.WrongForm, 8),
        (ExampleKind.Kept, 3),
        (ExampleKind.NotLearned, 3),
    ];

    /// <summary>Examples by kind, then in the order of the tasks; none where predictions or scores are not at hand.</summary>
    /// <exception cref="CoinException">A file of the run's own that is there cannot be read.</exception>
    public static IReadOnlyList<Example> Pick(RunReport report, string folder, ExampleData data)
    {
        var found = report.Tasks.SelectMany(task => OfTask(report, folder, task, data)).ToList();
        return
        [
            .. Wanted
                .SelectMany(wanted => found.Where(one => one.Kind == wanted.Kind).Take(wanted.Most))
                .Select(one =>
                    one.Sample.Image is { } image
                        ? one with
                        {
                            Picture = data.Aids?.Thumbnail(Path.Combine(data.Images, image), LongestSide),
                        }
                        : one
                ),
        ];
    }

    private static IEnumerable<Example> OfTask(RunReport report, string folder, string task, ExampleData data)
    {
        var own = report.Curriculum.FirstOf(report.PlaceOf(task)).Number;
        var cells = report.Cells.Where(cell => cell.Task == task && cell.Stage >= own).OrderBy(cell => cell.Stage).ToList();
        if (cells.Count == 0 || data.Samples(task) is not { } samples)
        {
            yield break;
        }

        var first = Answers(folder, cells[0]);
        var last = cells.Count > 1 ? Answers(folder, cells[^1]) : first;
        var kinds = new HashSet<ExampleKind>();
        foreach (var (sample, answers) in Answered(samples, first, last))
        {
            if (KindOf(answers) is { } kind && kinds.Add(kind))
            {
                yield return new Example(kind, task, sample, answers, null);
            }
        }

        // What is forgotten altogether at the end may have had the wrong form first.
        for (var place = cells.Count - 2; place >= 0 && !kinds.Contains(ExampleKind.WrongForm); place--)
        {
            var then = place == 0 ? first : Answers(folder, cells[place]);
            foreach (
                var (sample, answers) in Answered(samples, first, then).Where(one => KindOf(one.Answers) == ExampleKind.WrongForm).Take(1)
            )
            {
                kinds.Add(ExampleKind.WrongForm);
                yield return new Example(ExampleKind.WrongForm, task, sample, answers, null);
            }
        }
    }

    /// <summary>The samples that have been answered both times, in the order of the test file.</summary>
    private static IEnumerable<(TestSample Sample, IReadOnlyList<ExampleAnswer> Answers)> Answered(
        IReadOnlyList<TestSample> samples,
        Dictionary<string, ExampleAnswer> first,
        Dictionary<string, ExampleAnswer> last
    )
    {
        foreach (var sample in samples)
        {
            if (first.TryGetValue(sample.QuestionId, out var one) && last.TryGetValue(sample.QuestionId, out var other))
            {
                IReadOnlyList<ExampleAnswer> answers = ReferenceEquals(one, other) ? [one] : [one, other];
                yield return (sample, answers);
            }
        }
    }

    private static ExampleKind? KindOf(IReadOnlyList<ExampleAnswer> answers) =>
        (answers[0], answers[^1]) switch
        {
            (_, { IsWrong: true, HoldsTheAnswer: true }) => ExampleKind.WrongForm,
            ({ IsRight: true }, { IsWrong: true }) => ExampleKind.Forgotten,
            ({ IsRight: true }, { IsRight: true }) => ExampleKind.Kept,
            ({ IsWrong: true, HoldsTheAnswer: false }, { IsWrong: true }) => ExampleKind.NotLearned,
            _ => null,
        };

    /// <summary>A cell's answers with their scores, by question; none where the run has not both.</summary>
    private static Dictionary<string, ExampleAnswer> Answers(string folder, CellReport cell)
    {
        var predictions = Path.Combine(folder, cell.Scored.File);
        if (
            cell.Scored.ScoresFile is not { } file
            || Path.Combine(folder, file) is var scoresFile && !File.Exists(scoresFile)
            || !File.Exists(predictions)
        )
        {
            return [];
        }

        var scores = Last(ScoresFile.Read(Path.Combine(folder, file)), score => score.QuestionId);
        var judged = cell
            .Judgements.Where(judge => File.Exists(Path.Combine(folder, judge.File)))
            .Select(judge => (judge.Judge, Scores: Last(JudgementsFile.Read(Path.Combine(folder, judge.File)), score => score.QuestionId)))
            .ToList();
        return Last(PredictionsFile.Read(predictions), prediction => prediction.QuestionId)
            .ToDictionary(
                prediction => prediction.Key,
                prediction => new ExampleAnswer(
                    cell.Stage,
                    prediction.Value.Text,
                    scores.GetValueOrDefault(prediction.Key)?.Published,
                    scores.GetValueOrDefault(prediction.Key)?.Corrected,
                    [
                        .. judged
                            .Where(judge => judge.Scores.ContainsKey(prediction.Key))
                            .Select(judge => (judge.Judge, judge.Scores[prediction.Key].Corrected)),
                    ]
                ),
                StringComparer.Ordinal
            );
    }

    private static Dictionary<string, T> Last<T>(IEnumerable<T> items, Func<T, string> id)
    {
        var last = new Dictionary<string, T>(StringComparer.Ordinal);
        foreach (var item in items)
        {
            last[id(item)] = item;
        }

        return last;
    }
}
