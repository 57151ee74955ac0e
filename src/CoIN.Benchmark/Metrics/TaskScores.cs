using CoIN.Benchmark.Scoring;

namespace CoIN.Benchmark.Metrics;

/// <summary>
/// The scores of every sample of one task's test set after several stages: a column of the matrix, sample by sample. Samples are paired by
/// question id, so that a resample takes the same questions after every stage.
/// </summary>
public sealed class TaskScores
{
    private readonly Dictionary<int, double[]> stages = [];
    private readonly IReadOnlyList<(string Id, int Occurrence)> order;

    /// <summary>Pairs the scores of several stages.</summary>
    /// <param name="byStage">
    /// Stage (from 1; 0 for the untrained model) with its samples' ids and scores, 0 to 1 or null where the rule does not count the sample.
    /// </param>
    public TaskScores(IReadOnlyDictionary<int, IReadOnlyList<(string QuestionId, double? Score)>> byStage)
    {
        // A file from elsewhere may hold an id twice: then the n-th is paired with the n-th.
        var places = new Dictionary<(string Id, int Occurrence), int>();
        var located = new Dictionary<int, List<(int Place, double Score)>>();
        foreach (var (stage, samples) in byStage.OrderBy(pair => pair.Key))
        {
            var seen = new Dictionary<string, int>(StringComparer.Ordinal);
            located[stage] = [];
            foreach (var (id, score) in samples)
            {
                var occurrence = seen[id] = seen.GetValueOrDefault(id) + 1;
                if (!places.TryGetValue((id, occurrence), out var place))
                {
                    places[(id, occurrence)] = place = places.Count;
                }

                located[stage].Add((place, score ?? double.NaN));
            }
        }

        Samples = places.Count;
        order = [.. places.OrderBy(place => place.Value).Select(place => place.Key)];
        foreach (var (stage, scores) in located)
        {
            var row = stages[stage] = new double[Samples];
            Array.Fill(row, double.NaN);
            foreach (var (place, score) in scores)
            {
                row[place] = score;
            }
        }
    }

    private TaskScores(TaskScores first, TaskScores second)
    {
        (Samples, order) = (first.Samples, first.order);
        var places = second.order.Select((id, place) => (id, place)).ToDictionary(one => one.id, one => one.place);
        foreach (var (stage, row) in first.stages)
        {
            stages[stage] = row;
        }

        foreach (var (stage, row) in second.stages)
        {
            stages[-stage - 1] = [.. order.Select(id => row[places[id]])];
        }
    }

    /// <summary>How many different samples there are.</summary>
    public int Samples { get; }

    /// <summary>The stages that are known.</summary>
    public IReadOnlyCollection<int> Stages => stages.Keys;

    /// <summary>
    /// The stages of two runs over the same samples: those of the first by their numbers, those of the second by −1 − number; null where
    /// their samples are not the same.
    /// </summary>
    internal static TaskScores? Paired(TaskScores first, TaskScores second) =>
        first.Samples == second.Samples && first.order.ToHashSet().SetEquals(second.order) ? new TaskScores(first, second) : null;

    /// <summary>Reads a column from the scores files of its cells.</summary>
    /// <param name="files">Stage with the path of its scores file.</param>
    /// <param name="scoring">Which of the two scores.</param>
    /// <exception cref="CoinException">A file cannot be read.</exception>
    public static TaskScores Read(IEnumerable<(int Stage, string Path)> files, ScoringKind scoring) =>
        new(
            files.ToDictionary(
                file => file.Stage,
                file =>
                    (IReadOnlyList<(string, double?)>)
                        [.. ScoresFile.Read(file.Path).Select(sample => (sample.QuestionId, sample.Of(scoring)))]
            )
        );

    /// <summary>Accuracy in percent after a stage on drawn samples; null if none of them counts.</summary>
    /// <param name="draw">Places of samples, each as often as it was drawn.</param>
    internal double? Accuracy(int stage, ReadOnlySpan<int> draw)
    {
        var row = stages[stage];
        var (sum, count) = (0.0, 0);
        foreach (var place in draw)
        {
            var score = row[place];
            if (!double.IsNaN(score))
            {
                sum += score;
                count++;
            }
        }

        return count > 0 ? 100 * (sum / count) : null;
    }
}
