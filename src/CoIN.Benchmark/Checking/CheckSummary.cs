using CoIN.Benchmark.Data;

namespace CoIN.Benchmark.Checking;

/// <summary>How many findings of one kind there are, and the first ones.</summary>
/// <param name="ByTask">Counts of the tasks that have any, in the run's order.</param>
/// <param name="Examples">The first findings, a few.</param>
public sealed record KindSummary(
    FindingKind Kind,
    int Count,
    IReadOnlyList<(string Task, int Count)> ByTask,
    IReadOnlyList<Finding> Examples
);

/// <summary>What was checked of one task.</summary>
/// <param name="TrainingSamples">Samples in the training file, faulty ones too; null where it is missing or not used.</param>
/// <param name="TestSamples">Samples in the test file; null where it is missing.</param>
/// <param name="TextOnly">Samples of both files without an image.</param>
/// <param name="Images">Different images of both files.</param>
public sealed record TaskSummary(
    string Task,
    string TrainFile,
    int? TrainingSamples,
    string TestFile,
    int? TestSamples,
    int TextOnly,
    int Images,
    int Errors,
    int Warnings
);

/// <summary>A finished check.</summary>
/// <param name="Kinds">Kinds with findings, in the order of <see cref="FindingKind.All"/>.</param>
/// <param name="Stopped">It was stopped before everything was checked.</param>
public sealed record CheckSummary(IReadOnlyList<TaskSummary> Tasks, IReadOnlyList<KindSummary> Kinds, bool Stopped)
{
    public int Errors => Count(Severity.Error);

    public int Warnings => Count(Severity.Warning);

    private int Count(Severity severity) => Kinds.Where(kind => kind.Kind.Severity == severity).Sum(kind => kind.Count);
}

/// <summary>How far a check is.</summary>
/// <param name="Task">The task.</param>
/// <param name="What">What is being gone through: a file's name, or <see cref="Images"/>.</param>
/// <param name="Done">Samples or images so far.</param>
/// <param name="Part">Part of it that is done, 0 to 1.</param>
/// <param name="Findings">Findings so far, of all tasks.</param>
public sealed record CheckProgress(string Task, string What, int Done, double Part, int Findings)
{
    /// <summary><see cref="What"/> while images are decoded.</summary>
    public const string Images = "images";
}

/// <summary>Counts findings by kind and task.</summary>
internal sealed class CheckTally
{
    private const int ExamplesKept = 3;

    private readonly Dictionary<FindingKind, (List<Finding> Examples, OrderedDictionary<string, int> Tasks)> kinds = [];

    public int Total { get; private set; }

    public void Add(Finding finding)
    {
        Total++;
        if (!kinds.TryGetValue(finding.Kind, out var kind))
        {
            kinds[finding.Kind] = kind = ([], []);
        }

        if (kind.Examples.Count < ExamplesKept)
        {
            kind.Examples.Add(finding);
        }

        kind.Tasks[finding.Task] = kind.Tasks.GetValueOrDefault(finding.Task) + 1;
    }

    public int Of(string task, Severity severity) =>
        kinds.Where(pair => pair.Key.Severity == severity).Sum(pair => pair.Value.Tasks.GetValueOrDefault(task));

    public IReadOnlyList<KindSummary> Summarize() =>
        [
            .. FindingKind
                .All.Where(kinds.ContainsKey)
                .Select(kind => (Kind: kind, kinds[kind].Examples, kinds[kind].Tasks))
                .Select(one => new KindSummary(
                    one.Kind,
                    one.Tasks.Values.Sum(),
                    [.. one.Tasks.Select(pair => (pair.Key, pair.Value))],
                    one.Examples
                )),
        ];
}
