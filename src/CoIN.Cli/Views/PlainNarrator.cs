using CoIN.Benchmark;
using CoIN.Benchmark.Runs;

namespace CoIN.Cli.Views;

/// <summary>Tells a run's progress in lines, from the differences between snapshots.</summary>
/// <param name="interval">Time between two lines of progress, if there is any.</param>
/// <param name="patience">Time after which a line is told again although nothing has moved.</param>
/// <param name="introduces">Whether it begins with a line about the run and its tasks.</param>
internal sealed class PlainNarrator(TimeSpan interval, TimeSpan patience, bool introduces = true)
{
    private readonly HashSet<(int Stage, string Task)> evaluationsTold = [];
    private readonly HashSet<(int Stage, string Task, string Judge)> judgingTold = [];
    private readonly HashSet<int> rowsTold = [];
    private RunSnapshot? last;
    private int trainingTold;
    private DateTimeOffset progressTold;
    private IReadOnlyList<string> progress = [];

    /// <summary>The lines that a snapshot adds to those told before.</summary>
    public IReadOnlyList<string> Tell(RunSnapshot next, DateTimeOffset now)
    {
        var lines = new List<string>();
        if (last is null)
        {
            if (introduces)
            {
                lines.Add($"run {next.RunId}: {Plural.Of(next.Tasks.Count, "task")}: {string.Join(", ", next.Tasks)}");
            }

            if (next is { GivenAdapter: { } given, ZeroShot.Count: > 0 })
            {
                lines.Add($"the adapter {given.Path} is tested, nothing is trained");
            }

            progressTold = now;
            NoteWhatWasThere(next);
        }

        TellStages(next, lines);
        TellEvaluations(next, lines);
        TellCells(next, lines);
        TellJudging(next, lines);
        if (now - progressTold >= interval && next.Status == RunStatus.Running)
        {
            TellProgress(next, now, lines);
        }

        last = next;
        return lines;
    }

    private void NoteWhatWasThere(RunSnapshot first)
    {
        var known = first.Cells.Sum(row => row.Count(cell => cell is not null)) + first.ZeroShot.Count(cell => cell is not null);
        if (known > 0 || first.StagesTrained > 0)
        {
            last = first;
            foreach (var j in Enumerable.Range(0, first.Cells.Count).Where(j => Whole(first, j)))
            {
                rowsTold.Add(j);
            }
        }
    }

    private void TellStages(RunSnapshot next, List<string> lines)
    {
        for (var j = last?.StagesTrained ?? 0; j < next.StagesTrained; j++)
        {
            lines.Add($"{Stage(next, j + 1)} trained after {Words.Duration(next.Elapsed)}");
        }

        if (next.Training is { } training && training.Stage != trainingTold)
        {
            trainingTold = training.Stage;
            lines.Add(
                Words.Text($"{Stage(next, training.Stage)} training, {Plural.Of(training.TotalSteps, "step")}")
                    + (training.Step > 0 ? Words.Text($", at step {training.Step}") : "")
            );
        }
    }

    private void TellEvaluations(RunSnapshot next, List<string> lines)
    {
        foreach (var one in next.Evaluations.Where(one => evaluationsTold.Add((one.Stage, one.Task))))
        {
            lines.Add(Words.Text($"{Stage(next, one.Stage)} testing on {one.Task}, {Plural.Of(one.Total, "sample")}"));
        }
    }

    private void TellJudging(RunSnapshot next, List<string> lines)
    {
        foreach (var one in next.Judging.Where(one => judgingTold.Add((one.Stage, one.Task, one.Judge))))
        {
            lines.Add(Words.Text($"{Stage(next, one.Stage)} {one.Judge} judges {one.Task}, {Plural.Of(one.Total, "sample")}"));
        }
    }

    private void TellCells(RunSnapshot next, List<string> lines)
    {
        for (var i = 0; i < next.ZeroShot.Count; i++)
        {
            if (next.ZeroShot[i] is { } accuracy && last?.ZeroShot.ElementAtOrDefault(i) is null)
            {
                lines.Add($"{Stage(next, 0)} {next.Tasks[i]} {Words.Percent(accuracy)} published");
            }
        }

        for (var j = 0; j < next.Cells.Count; j++)
        {
            for (var i = 0; i < next.Cells[j].Count; i++)
            {
                if (next.Cells[j][i] is { } accuracy && last?.Cells.ElementAtOrDefault(j)?.ElementAtOrDefault(i) is null)
                {
                    var first = i < j ? next.Cells[i].ElementAtOrDefault(i) : null;
                    lines.Add(
                        $"{Stage(next, j + 1)} {next.Tasks[i]} {Words.Percent(accuracy)} published"
                            + (first is { } then ? $" (just trained: {Words.Percent(then)})" : "")
                    );
                }
            }

            if (Whole(next, j) && rowsTold.Add(j))
            {
                TellSoFar(next, j, lines);
            }
        }
    }

    private void TellProgress(RunSnapshot next, DateTimeOffset now, List<string> lines)
    {
        var progress = Progress(next);
        if (progress.Count > 0 && (now - progressTold >= patience || !progress.SequenceEqual(this.progress)))
        {
            (this.progress, progressTold) = (progress, now);
            lines.Add(progress[0] + (next.Remaining is { } remaining ? $", about {Words.Duration(remaining)} left" : ""));
            lines.AddRange(progress.Skip(1));
        }
    }

    /// <summary>What the rows come to, once for each; a single one comes to its own mean.</summary>
    private static void TellSoFar(RunSnapshot next, int row, List<string> lines)
    {
        if (MatrixMetrics.SoFar(next) is { Bwt: { } transfer } known && known.Rows == row + 1)
        {
            lines.Add($"after stage {row + 1}, published: MAA {Words.Percent(known.Maa)}, BWT {Words.Percent(transfer)} so far");
        }
    }

    private static List<string> Progress(RunSnapshot next) =>
        [
            .. next.Training is { } training ? [$"{Stage(next, training.Stage)} step {Words.Training(training)}"] : Array.Empty<string>(),
            .. next.Evaluations.Select(one => Words.Text($"{Stage(next, one.Stage)} testing on {one.Task}: {one.Answered}/{one.Total}")),
            .. next.Judging.Select(one => Words.Text($"{Stage(next, one.Stage)} {one.Judge} judges {one.Task}: {one.Judged}/{one.Total}")),
        ];

    private static bool Whole(RunSnapshot snapshot, int j) =>
        snapshot.Cells[j].Count > 0 && snapshot.Cells[j].All(cell => cell is not null);

    private static string Stage(RunSnapshot snapshot, int stage) =>
        stage == 0
            ? snapshot.GivenAdapter is null
                ? "base model:"
                : "adapter:"
            : $"stage {stage}/{snapshot.Stages.Count} {snapshot.Stages.ElementAtOrDefault(stage - 1)}:";
}
