using CoIN.Benchmark.Files;
using CoIN.Benchmark.Scoring;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace CoIN.Benchmark.Metrics;

/// <summary>
/// Accuracy matrices from elsewhere. CSV: rows of numbers, or a run's <c>matrix.csv</c>. JSON: a list of rows,
/// <c>{"tasks":[…],"matrix":[…],"zeroShot":[…]}</c>, or a run's <c>report.json</c>. Row j holds the accuracies in percent after stage j: on
/// the first j tasks, or on all of them with nothing, or with what was measured, above the diagonal. A single row of several accuracies
/// under the tasks' names is of a run that learned all tasks at once.
/// </summary>
public static class MatrixFile
{
    /// <summary>
    /// The matrices of a file: two of a <c>report.json</c> with both scorings, else one, of which it is not known how it was scored.
    /// </summary>
    /// <exception cref="CoinException">The file cannot be read or holds no matrix; the message names the place.</exception>
    public static IReadOnlyList<(ScoringKind? Scoring, MeasuredMatrix Measured)> Read(string path)
    {
        var parts = Parts(path).Where(part => part.Rows.Rows.Count > 0).ToList();
        return parts.Count > 0
            ? [.. parts.Select(part => (part.Scoring, part.Rows.ToMatrix(path)))]
            : throw new CoinException($"{path} holds no accuracy matrix. {MatrixRows.Remedy}");
    }

    /// <summary>Accuracies of the untrained model in the order of a matrix's tasks; matched by name where both files have names.</summary>
    /// <param name="scoring">Which scoring, where the file has both.</param>
    /// <exception cref="CoinException">The file cannot be read, holds no such row, or lacks a task.</exception>
    public static IReadOnlyList<double?> ReadZeroShot(string path, ScoringKind? scoring, IReadOnlyList<string> tasks)
    {
        var parts = Parts(path);
        var part = parts.FirstOrDefault(part => part.Scoring == scoring);
        var rows = part.Rows ?? parts[0].Rows;

        // The only row of a report is of a run that trained.
        var row = rows.ZeroShot
            ?? (rows.Rows is [var only] && (part.Rows is null ? parts[0].Scoring : part.Scoring) is null ? only : null)
            ?? throw new CoinException(
                $"{path} holds {Plural.Of(rows.Rows.Count, "row")} and no zero-shot accuracies. Write one row with one number for each task."
            );
        var names = rows.Tasks.ToList();
        if (names.Count > 0 && tasks.All(names.Contains))
        {
            return [.. tasks.Select(task => MatrixRows.Checked(path, row.ElementAtOrDefault(names.IndexOf(task))))];
        }

        return row.Count == tasks.Count
            ? [.. row.Select(cell => MatrixRows.Checked(path, cell))]
            : throw new CoinException(
                $"{path} has {Plural.Of(row.Count, "zero-shot accuracy", "zero-shot accuracies")} for {Plural.Of(tasks.Count, "task")}. Write one for each task, in the order of the matrix."
            );
    }

    private static List<(ScoringKind? Scoring, MatrixRows Rows)> Parts(string path)
    {
        string text;
        try
        {
            text = Utf8Text.Read(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CoinException(
                $"Cannot read the matrix file {path}: {ReadFault.Why(path, e)}. Name a CSV or JSON file, or a run's report.json.",
                e
            );
        }

        return text.TrimStart() is ['[' or '{', ..] ? Json(path, text) : [(null, MatrixCsv.Read(path, text))];
    }

    private static List<(ScoringKind? Scoring, MatrixRows Rows)> Json(string path, string text)
    {
        try
        {
            var root = JToken.Parse(text);
            if (root is JArray list)
            {
                return
                [
                    (
                        null,
                        list.Count > 0 && list.All(item => item is not JArray)
                            ? new([], [], Row(path, list))
                            : new([], Rows(path, list), null)
                    ),
                ];
            }

            var tasks = root["tasks"] is JArray names ? names.Select(name => (string?)name ?? "").ToList() : [];
            if (root["truthAlignment"] is JObject report)
            {
                var parts = new List<(ScoringKind?, MatrixRows)>();
                foreach (var scoring in Enum.GetValues<ScoringKind>())
                {
                    if (report[scoring.ToString().ToLowerInvariant()] is JObject scored && scored["matrix"] is JArray)
                    {
                        parts.Add((scoring, Part(path, scored, tasks)));
                    }
                }

                return parts.Count > 0
                    ? parts
                    : throw new CoinException($"{path} is a report without a matrix. Write it anew with ./run.sh report.");
            }

            return [(null, Part(path, root, tasks))];
        }
        catch (JsonReaderException e)
        {
            throw new CoinException($"{path}, line {e.LineNumber}: {e.Message.TrimEnd('.')}. {MatrixRows.Remedy}", e);
        }
    }

    private static MatrixRows Part(string path, JToken part, List<string> tasks)
    {
        var zeroShot = part["zeroShot"] is JArray row ? Row(path, row) : null;
        var rows = part["matrix"] is JArray matrix ? Rows(path, matrix) : [];

        // A zero-shot run's report has a matrix in which nothing is measured.
        return new MatrixRows(tasks, zeroShot is not null && rows.All(cells => cells.All(cell => cell is null)) ? [] : rows, zeroShot);
    }

    private static List<IReadOnlyList<double?>> Rows(string path, JArray rows) =>
        [
            .. rows.Select(row =>
                row is JArray cells
                    ? (IReadOnlyList<double?>)Row(path, cells)
                    : throw new CoinException($"{path}: {row.ToString(Formatting.None)} is no row of a matrix. {MatrixRows.Remedy}")
            ),
        ];

    private static double?[] Row(string path, JArray row) =>
        [
            .. row.Select(cell =>
                cell.Type switch
                {
                    JTokenType.Integer or JTokenType.Float => (double?)(double)cell,
                    JTokenType.Null => null,
                    _ => throw new CoinException($"{path}: {cell.ToString(Formatting.None)} is no accuracy. {MatrixRows.Remedy}"),
                }
            ),
        ];
}

/// <summary>The rows of a matrix file as they are written.</summary>
/// <param name="Tasks">Task names; empty where the file has none.</param>
/// <param name="Rows">One row per stage.</param>
/// <param name="ZeroShot">Accuracies of the untrained model, or null.</param>
internal sealed record MatrixRows(IReadOnlyList<string> Tasks, IReadOnlyList<IReadOnlyList<double?>> Rows, IReadOnlyList<double?>? ZeroShot)
{
    internal const string Remedy =
        "Write one row per stage with accuracies in percent: row j on the first j tasks, or on all of them; or a single row under the tasks' names where all were learned at once.";

    /// <summary>The matrix, with what stands above the diagonal apart.</summary>
    /// <exception cref="CoinException">The rows are no matrix.</exception>
    internal MeasuredMatrix ToMatrix(string path)
    {
        // All tasks learned at once. Without their names a single row may be a matrix that somebody has only begun.
        if (Rows is [{ Count: > 1 } all] && Tasks.Count == all.Count)
        {
            return new MeasuredMatrix(
                Tasks,
                new AccuracyMatrix([
                    [.. all.Select(cell => Checked(path, cell))],
                ])
            )
            {
                ZeroShot = ZeroShot ?? [],
            };
        }

        var count = Rows.Count;
        if (Tasks.Count > 0 && Tasks.Count != count)
        {
            throw new CoinException($"{path} has {Plural.Of(Tasks.Count, "task name")} and {Plural.Of(count, "row")}. {Remedy}");
        }

        var matrix = new AccuracyMatrix(count);
        var before = new double?[count];
        for (var stage = 0; stage < count; stage++)
        {
            var row = Rows[stage];
            if (row.Count <= stage || row.Count > count)
            {
                throw new CoinException($"{path}: row {stage + 1} of {count} has {Plural.Of(row.Count, "cell")}. {Remedy}");
            }

            for (var task = 0; task <= stage; task++)
            {
                matrix[stage, task] = Checked(path, row[task]);
            }

            if (stage + 1 < row.Count)
            {
                before[stage + 1] = Checked(path, row[stage + 1]);
            }
        }

        return new MeasuredMatrix(Tasks.Count > 0 ? Tasks : [.. Enumerable.Range(1, count).Select(task => $"task {task}")], matrix)
        {
            ZeroShot = ZeroShot ?? [],
            BeforeTraining = before,
        };
    }

    internal static double? Checked(string path, double? cell) =>
        cell is null or (>= 0 and <= AccuracyMatrix.Highest)
            ? cell
            : throw new CoinException(
                FormattableString.Invariant($"{path}: {cell} is no accuracy in percent, which lies within 0 and 100 (CIDEr: 1000).")
            );
}
