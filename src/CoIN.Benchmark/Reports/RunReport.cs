using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Methods;
using CoIN.Benchmark.Metrics;
using CoIN.Benchmark.Runs;
using CoIN.Benchmark.Steps;

namespace CoIN.Benchmark.Reports;

/// <summary>What a run found, and all that somebody needs who wants to find it again.</summary>
public sealed record RunReport
{
    public required string RunId { get; init; }

    /// <summary>The experiment's name.</summary>
    public required string Name { get; init; }

    /// <summary>Key of the method.</summary>
    public required string Method { get; init; }

    public required int Seed { get; init; }

    /// <summary>Where the run stands, e.g. <c>completed</c>.</summary>
    public required string Status { get; init; }

    /// <summary>Task names in the order of learning; no name twice.</summary>
    public required IReadOnlyList<string> Tasks { get; init; }

    /// <summary>SHA-256 of the base model.</summary>
    public required string BaseModelSha256 { get; init; }

    /// <summary>
    /// SHA-256 over the files of the adapter that the run was given to begin with, or to test (<c>lora.from</c>); null where it was given
    /// none.
    /// </summary>
    public string? GivenAdapterSha256 { get; init; }

    /// <summary>Where that adapter was; null where the run was given none.</summary>
    public string? GivenAdapterPath => Options?.Lora.From;

    /// <summary>Whether the run tests a given adapter without training anything.</summary>
    public bool TestsGivenAdapter => Curriculum.Trained.Count == 0 && (GivenAdapterSha256 ?? GivenAdapterPath) is not null;

    /// <summary>The given adapter in words: its folder and hash.</summary>
    internal string GivenAdapter => $"{GivenAdapterPath ?? "path not recorded"} (SHA-256 {GivenAdapterSha256 ?? "not recorded"})";

    /// <summary>What is tested before or without any training, in words.</summary>
    internal string BaseName => TestsGivenAdapter ? "given adapter" : "untrained model";

    /// <summary>The stages that are trained, in order.</summary>
    public IReadOnlyList<StageReport> Stages { get; init; } = [];

    /// <summary>Losses of held-out samples, stage by stage; the last one of a stage is that of its adapter.</summary>
    public IReadOnlyList<StageValidation> Validations { get; init; } = [];

    /// <summary>
    /// Where it is written what every optimizer step did, relative to the run's folder; of all stages that the run has, trained or not.
    /// </summary>
    public IReadOnlyList<StepsReport> Steps { get; init; } = [];

    /// <summary>The cells that are scored, in any order.</summary>
    public IReadOnlyList<CellReport> Cells { get; init; } = [];

    /// <summary>The samples files that were used.</summary>
    public IReadOnlyList<DataFileReport> DataFiles { get; init; } = [];

    /// <summary>Samples that were left out since their image cannot be used.</summary>
    public IReadOnlyList<SkippedSample> Skipped { get; init; } = [];

    /// <summary>The whole experiment; null where it is not known.</summary>
    public ExperimentOptions? Options { get; init; }

    /// <summary>What the base model is; null where its folder is gone or says nothing of it.</summary>
    public ModelDescription? Model { get; init; }

    public DateTimeOffset? Started { get; init; }

    public DateTimeOffset? Finished { get; init; }

    /// <summary>The time that the run was being driven: pauses are none of it.</summary>
    public TimeSpan? Driven { get; init; }

    /// <summary>Why a judge could not give its marks, by the judge's name.</summary>
    public IReadOnlyDictionary<string, string> JudgingFaults { get; init; } = new Dictionary<string, string>();

    /// <summary>A run's report as a function of its state.</summary>
    public static RunReport Of(RunState state) =>
        new()
        {
            RunId = state.Started!.RunId,
            Name = state.Options.Name,
            Options = state.Options,
            Method = state.Options.Method,
            Seed = state.Options.Seed,
            Status = state.Status.ToString().ToLowerInvariant(),
            Tasks = state.TaskNames,
            BaseModelSha256 = state.BaseModelSha256 ?? "",
            GivenAdapterSha256 = state.Started.GivenAdapterSha256,
            Stages = [.. state.Trained.Values.Select(stage => StageReport.Of(state, stage))],
            Steps =
            [
                .. state.Curriculum.Trained.Select(stage => new StepsReport(
                    stage.Number,
                    stage.Name,
                    RunPaths.Steps(stage.Number, stage.Name)
                )),
            ],
            Validations =
            [
                .. state
                    .Validations.GroupBy(one => one.Key.Stage)
                    .Select(stage => new StageValidation(
                        stage.Key,
                        state.Curriculum.Stage(stage.Key).Name,
                        [.. stage.Select(one => one.Value)]
                    )),
            ],
            Cells =
            [
                .. state.Cells.Values.OrderBy(cell => cell.Stage).ThenBy(cell => cell.Task).Select(cell => CellReport.Of(state, cell)),
            ],
            Skipped = state.Started.Skipped ?? [],
            DataFiles = [.. state.Options.Tasks.SelectMany((task, i) => Files(state.Started, task, i))],
            Started = state.StartedAt,
            Finished = state.Status is RunStatus.Completed ? state.LastAt : null,
            Driven = state.Driven,
            JudgingFaults = state.JudgingFaults,
        };

    /// <summary>What was trained and tested, stage by stage.</summary>
    public Curriculum Curriculum => LearningMethods.Known.Of(Method).Curriculum(Tasks);

    /// <summary>A matrix with the run's cells, none of them measured.</summary>
    internal AccuracyMatrix EmptyMatrix() => CurriculumMatrix.Empty(Curriculum, Tasks.Count);

    /// <summary>The name of a stage that is trained, by its number from 1: of what it learned.</summary>
    internal string StageName(int stage) => Curriculum.Stage(stage).Name;

    /// <summary>The accuracy matrix of the cells of stages; all null for a zero-shot run.</summary>
    /// <exception cref="ArgumentException">A cell names a task or stage that the run does not have.</exception>
    public AccuracyMatrix Matrix()
    {
        var matrix = EmptyMatrix();
        foreach (var cell in Cells.Where(cell => cell.Stage > 0))
        {
            matrix[cell.Stage - 1, PlaceOf(cell.Task)] = cell.Scored.Accuracy;
        }

        return matrix;
    }

    /// <summary>The cell of a task after a 1-based stage, or of the base model (0); null if it is not scored.</summary>
    public CellReport? Cell(int stage, string task) => Cells.LastOrDefault(cell => cell.Stage == stage && cell.Task == task);

    /// <summary>The 0-based place of a task in the order of learning.</summary>
    /// <exception cref="ArgumentException">The run has no such task.</exception>
    internal int PlaceOf(string task)
    {
        for (var index = 0; index < Tasks.Count; index++)
        {
            if (Tasks[index] == task)
            {
                return index;
            }
        }

        throw new ArgumentException($"A cell is about the task {task}, which the run does not have.", nameof(task));
    }

    private static IEnumerable<DataFileReport> Files(RunStarted started, TaskOptions task, int index)
    {
        foreach (
            var (use, file, samples) in new[]
            {
                ("train", $"{task.Folder}/{task.TrainFile}", started.TrainingSamples[index]),
                ("test", $"{task.Folder}/{task.TestFile}", started.TestSamples[index]),
                ("validation", $"{task.Folder}/{task.ValidationFile}", started.ValidationSamples?[index] ?? 0),
                ("references", $"{task.Folder}/{task.ReferencesFile}", started.TestSamples[index]),
            }
        )
        {
            if (started.DataSha256.TryGetValue(file, out var sha256))
            {
                yield return new DataFileReport(task.Name, use, file, sha256, samples);
            }
        }
    }
}

/// <summary>One samples file.</summary>
/// <param name="Task">Task name.</param>
/// <param name="Use"><c>train</c> or <c>test</c>.</param>
/// <param name="File">Path relative to the instructions folder.</param>
/// <param name="Sha256">SHA-256 of the whole file.</param>
/// <param name="SamplesUsed">Samples that the run took from it.</param>
public sealed record DataFileReport(string Task, string Use, string File, string Sha256, int SamplesUsed);

/// <summary>What a base model is, for people and for finding published numbers of the same one.</summary>
/// <param name="Family">E.g. <c>LLaVA</c>.</param>
/// <param name="Layers">Layers of its language model.</param>
/// <param name="HiddenSize">Width of its language model.</param>
public sealed record ModelDescription(string Family, int Layers, int HiddenSize)
{
    /// <summary>Whether a sample may have several images.</summary>
    public bool SeveralImages { get; init; }

    /// <summary>Family and size class, e.g. <c>LLaVA-7B</c>; the family alone for a shape that has no such name.</summary>
    public string Name =>
        (Layers, HiddenSize) switch
        {
            (32, 4096) => Family + "-7B",
            (40, 5120) => Family + "-13B",
            _ => Family,
        };
}
