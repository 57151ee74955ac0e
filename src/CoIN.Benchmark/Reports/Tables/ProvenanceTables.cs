using System.Globalization;
using CoIN.Benchmark.Experiments;

namespace CoIN.Benchmark.Reports.Tables;

/// <summary>What somebody needs who wants to find a run's numbers again.</summary>
internal static class ProvenanceTables
{
    private const int SkippedShown = 50;

    private const string NotRecorded = "not recorded";

    public static TextTable Settings(RunReport report) =>
        new(
            ["setting", "value"],
            [
                ["method", report.Method],
                .. MethodOptions(report),
                ["seed", Text(report.Seed)],
                ["tasks", string.Join(", ", report.Tasks)],
                .. report.Options is { } options
                    ?
                    [
                        ["training samples", DataParts.Training(options.Data)],
                        ["test samples", DataParts.Test(options.Data)],
                    ]
                    : Array.Empty<IReadOnlyList<string>>(),
                .. report.Model is { } model
                    ?
                    [
                        ["base model", $"{model.Name}, {Plural.Of(model.Layers, "layer")} of width {Text(model.HiddenSize)}"],
                    ]
                    : Array.Empty<IReadOnlyList<string>>(),
                .. report.Options is { } known
                    ?
                    [
                        ["base model from", ModelFrom(known.Model)],
                    ]
                    : Array.Empty<IReadOnlyList<string>>(),
                ["base model SHA-256", report.BaseModelSha256.Length > 0 ? report.BaseModelSha256 : "-"],
                .. report.GivenAdapterSha256 is { } adapter
                    ?
                    [
                        ["adapter given (lora.from)", report.GivenAdapterPath ?? "-"],
                        ["given adapter SHA-256", adapter],
                    ]
                    : Array.Empty<IReadOnlyList<string>>(),
                .. report.Options is { } all ? ModelSettings(all) : [],
                .. report.Options is { } trained && report.Curriculum.Trained.Count > 0 ? TrainingSettings(trained) : [],
                ["trained on", report.Stages.Count > 0 ? Places(report.Stages.Select(stage => stage.Trained.Computation)) : "-"],
                ["tested on", report.Cells.Count > 0 ? Places(report.Cells.SelectMany(cell => cell.Scored.Computations ?? [null!])) : "-"],
                .. TakenOver(report),
                ["started", Time(report.Started)],
                ["finished", Time(report.Finished)],
                .. report.Driven is { } driven
                    ?
                    [
                        [
                            "time it took, without pauses",
                            driven.ToString(driven.Days > 0 ? "d\\.hh\\:mm\\:ss" : "h\\:mm\\:ss", CultureInfo.InvariantCulture),
                        ],
                    ]
                    : Array.Empty<IReadOnlyList<string>>(),
                .. report.JudgingFaults.Select(fault => (IReadOnlyList<string>)[$"judge {fault.Key}", $"failed: {fault.Value}"]),
                ["computed by", Versions(report)],
                ["report written by", $"CoIN.Actors {ProductVersion.Current}"],
            ]
        );

    /// <summary>What the run has in common with others of its experiment and did not compute itself.</summary>
    private static IEnumerable<IReadOnlyList<string>> TakenOver(RunReport report)
    {
        var stages = report
            .Stages.Where(stage => stage.Trained.TakenFrom is not null)
            .GroupBy(stage => stage.Trained.TakenFrom?.RunId)
            .Select(group => $"trained by {group.Key}: {string.Join(", ", group.Select(stage => stage.Trained.Task))}");
        var cells = JsonReport
            .InOrder(report)
            .Where(cell => cell.Scored.TakenFrom is not null)
            .GroupBy(cell => cell.Scored.TakenFrom?.RunId)
            .Select(group =>
                $"tested by {group.Key}: "
                + string.Join(
                    ", ",
                    group.Select(cell => cell.Stage == 0 ? $"{cell.Task} (base model)" : $"{cell.Task} after stage {Text(cell.Stage)}")
                )
            );
        return stages.Concat(cells).ToList() is { Count: > 0 } taken
            ?
            [
                ["the same as in other runs, taken over", string.Join("; ", taken)],
            ]
            : [];
    }

    /// <summary>Every option by its key.</summary>
    public static TextTable EverySetting(RunReport report) =>
        new(["key", "value"], [.. OptionList.Flat(report.Options!).Select(one => (IReadOnlyList<string>)[one.Key, one.Value])]);

    /// <summary>How often and with what each stage was trained.</summary>
    public static TextTable Stages(RunReport report) =>
        new(
            [
                "stage",
                "task",
                "samples",
                "steps",
                "micro-batch",
                "accumulated",
                "world size",
                "global batch",
                "learning rate",
                "schedule",
                "warmup steps",
                "total steps",
                "final loss",
                "tokens",
                "seconds",
            ],
            [
                .. report.Stages.Select(
                    (stage, index) =>
                        (IReadOnlyList<string>)
                            [
                                Text(index + 1),
                                stage.Trained.Task,
                                Known(stage.Samples),
                                Text(stage.Trained.Steps),
                                Known(stage.Schedule.BatchSize),
                                Known(stage.Schedule.Accumulation),
                                Known(stage.Schedule.WorldSize),
                                Text(stage.Schedule.GlobalBatchSize),
                                Text(stage.Schedule.LearningRate),
                                ReportNames.Of(stage.Schedule.Kind),
                                Text(stage.Schedule.WarmupSteps),
                                Text(stage.Schedule.TotalSteps),
                                stage.Trained.FinalLoss.ToString("0.0000", CultureInfo.InvariantCulture),
                                Text(stage.Trained.Tokens),
                                stage.Trained.Seconds.ToString("0.0", CultureInfo.InvariantCulture),
                            ]
                ),
            ]
        );

    public static TextTable DataFiles(RunReport report) =>
        new(
            ["task", "use", "file", "samples used", "SHA-256"],
            [
                .. report.DataFiles.Select(file =>
                    (IReadOnlyList<string>)[file.Task, file.Use, file.File, Text(file.SamplesUsed), file.Sha256]
                ),
            ]
        );

    public static TextTable Predictions(RunReport report) =>
        new(
            ["stage", "task", "published accuracy", "samples", "file", "SHA-256"],
            [
                .. JsonReport
                    .InOrder(report)
                    .Select(cell =>
                        (IReadOnlyList<string>)
                            [
                                Text(cell.Stage),
                                cell.Task,
                                MatrixText.Percent(cell.Scored.Accuracy),
                                cell.Skipped > 0
                                    ? $"{Text(cell.Scored.Samples)} ({Text(cell.Skipped)} skipped)"
                                    : Text(cell.Scored.Samples),
                                cell.Scored.File,
                                cell.Scored.Sha256,
                            ]
                    ),
            ]
        );

    /// <summary>Samples that were left out; the JSON report has all of them.</summary>
    public static TextTable Skipped(RunReport report) =>
        new(
            ["task", "use", "sample", "image", "what is wrong with it"],
            [
                .. report
                    .Skipped.Take(SkippedShown)
                    .Select(sample => (IReadOnlyList<string>)[sample.Task, sample.Use, sample.Sample, sample.Image, sample.Reason ?? "-"]),
            ]
        );

    /// <summary>How many samples were left out, as a sentence.</summary>
    public static string SkippedSentence(RunReport report) =>
        $"{Text(report.Skipped.Count)} sample{(report.Skipped.Count == 1 ? " was" : "s were")} left out, as {(report.Skipped.Count == 1 ? "its image" : "their images")} cannot be used "
        + "(data.bad-samples = skip)"
        + (report.Skipped.Count > SkippedShown ? $"; the first {Text(SkippedShown)} of them, the others are in the JSON report:" : ":");

    public static TextTable Adapters(RunReport report) =>
        new(
            ["stage", "task", "adapter", "projector"],
            [
                .. report.Stages.Select(
                    (stage, index) =>
                        (IReadOnlyList<string>)
                            [
                                Text(index + 1),
                                stage.Trained.Task,
                                stage.Trained.AdapterSha256,
                                stage.Trained.ProjectorSha256 ?? "not trained",
                            ]
                ),
            ]
        );

    /// <summary>The method's own options, whatever they are.</summary>
    private static IEnumerable<IReadOnlyList<string>> MethodOptions(RunReport report) =>
        report.Options is { } options
            ? OptionList
                .Flat(options)
                .Where(one => one.Key.StartsWith(report.Method + ".", StringComparison.Ordinal))
                .Select(one => (IReadOnlyList<string>)[one.Key, one.Value])
            : [];

    private static string ModelFrom(ModelOptions model) =>
        string.Join(
            ", ",
            new[]
            {
                model.Path,
                model.Language is { } language ? $"language model {language}" : "",
                model.VisionTower is { } tower ? $"vision tower {tower}" : "",
                model.Projector is { } projector ? $"projector {projector}" : "",
            }.Where(part => part.Length > 0)
        );

    private static IEnumerable<IReadOnlyList<string>> ModelSettings(ExperimentOptions options) =>
        [
            ["dtype of the frozen weights", options.Model.Dtype],
            .. options.Model.Quantization == BaseQuantization.None
                ? Array.Empty<IReadOnlyList<string>>()
                :
                [
                    ["linear maps of the language model", Quantized(options.Model)],
                ],
            ["conversation", options.Model.Conversation ?? "the model's own"],
            ["longest sequence", $"{Text(options.Model.MaxLength)} tokens"],
            .. options.Evaluation.Prompt == PromptKind.Trained
                ? Array.Empty<IReadOnlyList<string>>()
                :
                [
                    ["prompt of tests", "the reference's, not the trained one"],
                ],
            .. options.MergesRounded()
                ?
                [
                    ["adapters in tests", $"folded into the weights, rounded to {options.Model.Dtype}"],
                ]
                : Array.Empty<IReadOnlyList<string>>(),
            .. options.Evaluation.LoraAlpha is { } alpha
                ?
                [
                    ["alpha in tests", $"{Text(alpha)} (evaluation.lora-alpha), trained with {Text(options.Lora.Alpha)}"],
                ]
                : Array.Empty<IReadOnlyList<string>>(),
            ["test batch", $"{Plural.Of(options.Evaluation.BatchSize, "prompt")}, greedy"],
        ];

    private static string Quantized(ModelOptions model) =>
        $"4 bits (nf4), a scale for {Text(model.QuantizationBlockSize)} numbers" + (model.DoubleQuantization ? ", in 8 bits itself" : "");

    private static IEnumerable<IReadOnlyList<string>> TrainingSettings(ExperimentOptions options)
    {
        var (lora, training) = (options.Lora, options.Training);
        return
        [
            ["LoRA", $"rank {Text(lora.Rank)}, alpha {Text(lora.Alpha)}, dropout {Text(lora.Dropout)}"],
            ["LoRA on", Targets(lora)],
            [
                "projector",
                lora.TrainProjector
                    ? $"trained, learning rate {Text(training.ProjectorLearningRate ?? training.LearningRate)}"
                    : "not trained",
            ],
            [
                "learning rate",
                $"{Text(training.LearningRate)}, {ReportNames.Of(training.Schedule)} after {Text(training.WarmupRatio)} of the steps as warmup"
                    + (training.MinLr > 0 ? $", down to {Text(training.MinLr)}" : "")
                    + ", afresh in every stage",
            ],
            [
                "loss of a step",
                training.Loss == LossMean.TokenMean ? "mean over all its labelled tokens" : "mean of its micro-batches' means",
            ],
            .. training.MicroBatchTokens is { } tokens
                ? new[] { new[] { "computed together", $"samples of up to {Text(tokens)} tokens (training.micro-batch-tokens)" } }
                : [],
            [
                "optimizer",
                $"AdamW, betas {Text(training.Beta1)} and {Text(training.Beta2)}, epsilon {Text(training.Epsilon)}, weight decay {Text(training.WeightDecay)}, "
                    + (training.MaxGradNorm > 0 ? $"gradients clipped to norm {Text(training.MaxGradNorm)}" : "no clipping"),
            ],
            [
                "length of a stage",
                $"{Text(training.Epochs)} {(training.Epochs == 1 ? "epoch" : "epochs")}"
                    + (training.MaxSteps > 0 ? $", at most {Plural.Of(training.MaxSteps, "step")}" : ""),
            ],
            ["order of samples", training.GroupByLength ? "shuffled by the seed, grouped by modality and length" : "shuffled by the seed"],
        ];
    }

    private static string Targets(LoraOptions lora) =>
        lora switch
        {
            { Targets: { } names } => $"{string.Join(", ", names)} of the language model (lora.targets)",
            { TargetPattern: { } pattern and not "all-linear" } =>
                $"linear maps of the language model whose names match {pattern} (lora.targets)",
            { TargetPattern: null, From: not null } => "the linear maps of the given adapter (lora.from)",
            _ => "every linear layer of the language model",
        };

    /// <summary>Where work was done, each place once.</summary>
    private static string Places(IEnumerable<Computation?> computations) =>
        string.Join(
            "; ",
            computations.Select(place => place is null ? NotRecorded : $"{place.Device}, {Plural.Of(place.Threads, "thread")}").Distinct()
        );

    private static string Versions(RunReport report)
    {
        var places = report
            .Stages.Select(stage => stage.Trained.Computation)
            .Concat(report.Cells.SelectMany(cell => cell.Scored.Computations ?? [null!]))
            .ToList();
        return places.Count == 0
            ? "-"
            : string.Join("; ", places.Select(place => place is null ? NotRecorded : $"CoIN.Actors {place.Version}").Distinct());
    }

    private static string Known(int? number) => number is { } known ? Text(known) : NotRecorded;

    private static string Text(IFormattable value) => value.ToString(null, CultureInfo.InvariantCulture);

    private static string Time(DateTimeOffset? time) =>
        time?.ToUniversalTime().ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture) ?? "-";
}
