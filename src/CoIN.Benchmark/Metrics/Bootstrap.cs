namespace CoIN.Benchmark.Metrics;

/// <summary>How intervals are estimated.</summary>
public sealed record BootstrapOptions
{
    /// <summary>How often the test sets are drawn anew.</summary>
    public int Resamples { get; init; } = 1000;

    /// <summary>Part of the resamples within the interval.</summary>
    public double Level { get; init; } = 0.95;

    /// <summary>The same seed gives the same intervals.</summary>
    public long Seed { get; init; }
}

/// <summary>
/// Intervals by the bootstrap (Efron 1979) with percentiles: test samples are drawn with replacement, as many as there are; the interval
/// holds the middle of what then comes out. It says how much a number depends on which questions the test set happens to hold; it says
/// nothing about the spread between seeds of training.
/// </summary>
public static class Bootstrap
{
    /// <summary>The interval of a test set's accuracy in percent; null for an empty set.</summary>
    /// <param name="scores">Score of every counted sample, 0 to 1.</param>
    public static Interval? Accuracy(IReadOnlyList<double> scores, BootstrapOptions? options = null)
    {
        if (scores.Count == 0)
        {
            return null;
        }

        var column = new TaskScores(
            new Dictionary<int, IReadOnlyList<(string, double?)>>
            {
                [1] = [.. scores.Select((score, place) => ($"{place}", (double?)score))],
            }
        );
        return Matrix([""], [column], options).Cells[(1, 0)];
    }

    /// <summary>The intervals of cells and of the numbers that sum them up.</summary>
    /// <param name="tasks">Names in the order of learning.</param>
    /// <param name="columns">Scores by task, one for each; null where they are not known.</param>
    /// <param name="like">A matrix with the same cells; null for a lower triangle.</param>
    /// <returns>
    /// Intervals by stage (0 for the untrained model) and 0-based task; a cell whose scores are not known is absent. A number's interval is
    /// null where not all cells that it needs are known sample by sample.
    /// </returns>
    public static (IReadOnlyDictionary<(int Stage, int Task), Interval> Cells, MetricSet<Interval?> Metrics) Matrix(
        IReadOnlyList<string> tasks,
        IReadOnlyList<TaskScores?> columns,
        BootstrapOptions? options = null,
        AccuracyMatrix? like = null
    )
    {
        options ??= new BootstrapOptions();
        var empty = like ?? new AccuracyMatrix(tasks.Count);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.Resamples);
        var resamples = new (Dictionary<(int Stage, int Task), double> Cells, MetricSet<double?> Metrics)[options.Resamples];
        Parallel.For(0, options.Resamples, resample =>
        {
            var cells = Draw(columns, options.Seed, resample);
            resamples[resample] = (cells, Measured(tasks, cells, empty.Unmeasured()).Metrics());
        });

        var keys = columns.SelectMany((column, task) => column is null ? [] : column.Stages.Select(stage => (stage, task)));
        var intervals = new Dictionary<(int Stage, int Task), Interval>();
        foreach (var key in keys)
        {
            if (
                Percentiles(
                    resamples.Select(one => one.Cells.TryGetValue(key, out var accuracy) ? accuracy : (double?)null),
                    options.Level
                ) is
                { } interval
            )
            {
                intervals[key] = interval;
            }
        }

        return (
            intervals,
            MetricSet<double?>.Merge([.. resamples.Select(one => one.Metrics)], values => Percentiles(values, options.Level))
        );
    }

    /// <summary>
    /// Intervals of differences between two runs, paired: both are measured on the same drawn questions, so that what a question is hard
    /// for in both falls out (Koehn 2004). Only tasks of which both runs answered the same questions take part.
    /// </summary>
    /// <param name="first">
    /// What is subtracted: its matrix, and by task the samples' scores; null, or absent altogether, where they are not known.
    /// </param>
    /// <param name="second">What it is subtracted from.</param>
    /// <param name="cells">Pairs of cells by stage (0 for the untrained model) and name of the task.</param>
    /// <returns>
    /// An interval in points for each pair, null where the samples of one are not known or are not the same; and for the numbers that sum
    /// the matrices up, null where one is not known in both.
    /// </returns>
    public static (IReadOnlyList<Interval?> Cells, MetricSet<Interval?> Metrics) Differences(
        (MeasuredMatrix Measured, IReadOnlyList<TaskScores?> Columns) first,
        (MeasuredMatrix Measured, IReadOnlyList<TaskScores?> Columns) second,
        IReadOnlyList<(int First, int Second, string Task)> cells,
        BootstrapOptions? options = null
    )
    {
        options ??= new BootstrapOptions();
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.Resamples);
        var (tasks, others) = (first.Measured.Tasks.ToList(), second.Measured.Tasks.ToList());
        var pairs = tasks.Select((task, place) => (Second: others.IndexOf(task), Column: first.Columns.ElementAtOrDefault(place))).ToList();
        var joined = pairs
            .Select(pair =>
                pair is { Second: >= 0, Column: { } one } && second.Columns.ElementAtOrDefault(pair.Second) is { } other
                    ? TaskScores.Paired(one, other)
                    : null
            )
            .ToList();
        if (joined.TrueForAll(column => column is null))
        {
            return ([.. cells.Select(_ => (Interval?)null)], new MetricSet<Interval?>(null, null, null, null, null, null, null));
        }

        var resamples = new (double?[] Cells, MetricSet<double?> Metrics)[options.Resamples];
        Parallel.For(0, options.Resamples, resample =>
        {
            var drawn = Draw(joined, options.Seed, resample);
            var one = drawn.Where(cell => cell.Key.Stage >= 0).ToDictionary(cell => cell.Key, cell => cell.Value);
            var other = drawn
                .Where(cell => cell.Key.Stage < 0)
                .ToDictionary(cell => (-cell.Key.Stage - 1, pairs[cell.Key.Task].Second), cell => cell.Value);
            resamples[resample] = (
                [
                    .. cells.Select(cell =>
                        Value(other, cell.Second, others.IndexOf(cell.Task)) - Value(one, cell.First, tasks.IndexOf(cell.Task))
                    ),
                ],
                MetricSet<double?>.Merge(
                    [
                        Measured(others, other, second.Measured.Matrix.Unmeasured()).Metrics(),
                        Measured(tasks, one, first.Measured.Matrix.Unmeasured()).Metrics(),
                    ],
                    both => both.First() - both.Last()
                )
            );
        });
        return (
            [.. cells.Select((_, place) => Percentiles(resamples.Select(one => one.Cells[place]), options.Level))],
            MetricSet<double?>.Merge([.. resamples.Select(one => one.Metrics)], values => Percentiles(values, options.Level))
        );

        static double? Value(Dictionary<(int Stage, int Task), double> of, int stage, int task) =>
            of.TryGetValue((stage, task), out var accuracy) ? accuracy : null;
    }

    /// <summary>One resample: every task's test set is drawn once, for all stages together.</summary>
    private static Dictionary<(int Stage, int Task), double> Draw(IReadOnlyList<TaskScores?> columns, long seed, int resample)
    {
        var cells = new Dictionary<(int Stage, int Task), double>();
        for (var task = 0; task < columns.Count; task++)
        {
            if (columns[task] is not { Samples: > 0 } column)
            {
                continue;
            }

            var random = new SeededRandom(SeededRandom.Combine(seed, task, resample));
            var draw = new int[column.Samples];
            for (var place = 0; place < draw.Length; place++)
            {
                draw[place] = random.Next(draw.Length);
            }

            foreach (var stage in column.Stages)
            {
                if (column.Accuracy(stage, draw) is { } accuracy)
                {
                    cells[(stage, task)] = accuracy;
                }
            }
        }

        return cells;
    }

    private static MeasuredMatrix Measured(
        IReadOnlyList<string> tasks,
        Dictionary<(int Stage, int Task), double> cells,
        AccuracyMatrix matrix
    )
    {
        foreach (var ((stage, task), accuracy) in cells.Where(cell => matrix.Has(cell.Key.Stage - 1, cell.Key.Task)))
        {
            matrix[stage - 1, task] = accuracy;
        }

        return new MeasuredMatrix(tasks, matrix)
        {
            ZeroShot = [.. tasks.Select((_, task) => Value(0, task))],
            BeforeTraining = [.. tasks.Select((_, task) => matrix.OwnStage(task) == 0 ? null : Value(matrix.OwnStage(task), task))],
        };

        double? Value(int stage, int task) => cells.TryGetValue((stage, task), out var accuracy) ? accuracy : null;
    }

    private static Interval? Percentiles(IEnumerable<double?> values, double level)
    {
        var sorted = values.OfType<double>().Order().ToArray();
        return sorted.Length == 0 ? null : new Interval(Quantile(sorted, (1 - level) / 2), Quantile(sorted, (1 + level) / 2));
    }

    /// <summary>Between two values it is interpolated linearly (type 7 of Hyndman and Fan 1996).</summary>
    private static double Quantile(double[] sorted, double part)
    {
        var place = part * (sorted.Length - 1);
        var below = (int)Math.Floor(place);
        var above = Math.Min(below + 1, sorted.Length - 1);
        return sorted[below] + ((place - below) * (sorted[above] - sorted[below]));
    }
}
