using System.Globalization;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Metrics;
using CoIN.Benchmark.Reports.Paper;
using CoIN.Benchmark.Reports.Results;
using CoIN.Benchmark.Reports.Tables;
using Newtonsoft.Json.Linq;

namespace CoIN.Benchmark.Reports;

/// <summary>
/// The report for programs. Whatever depends on the clock, or on the program that wrote it, stands under <c>provenance</c>, so that the
/// rest of two runs of the same experiment can be compared as it is.
/// </summary>
internal static class JsonReport
{
    public static string Render(RunResults results)
    {
        var report = results.Report;
        var json = new JObject
        {
            ["run"] = report.RunId,
            ["name"] = report.Name,
            ["method"] = report.Method,
            ["seed"] = report.Seed,
            ["status"] = report.Status,
            ["baseModelSha256"] = report.BaseModelSha256,
            ["settings"] = report.Options is { } options ? OptionList.Tree(options) : null,
            ["tasks"] = new JArray(report.Tasks),
            ["stages"] = new JArray(report.Stages.Select(Stage)),
            ["truthAlignment"] = new JObject
            {
                ["published"] = Measured(results, results.Published),
                ["corrected"] = results.Corrected is { } corrected ? Measured(results, corrected) : null,
            },
            ["reasoningCapability"] = new JObject
            {
                ["judges"] = new JArray(results.Judges.Select(judge => Judge(results, judge))),
                ["failed"] = new JObject(report.JudgingFaults.Select(fault => new JProperty(fault.Key, fault.Value))),
            },
            ["instructionFollowing"] = Following(results),
            ["metrics"] = Truth(results, measure => Set(measure.Results.Values, value => value)),
            ["intervals"] = Intervals(results),
            ["paper"] = PublishedJson.Of(PaperMatch.For(report), results),
            ["predictions"] = new JArray(
                InOrder(report)
                    .Select(cell => new JObject
                    {
                        ["stage"] = cell.Stage,
                        ["task"] = cell.Task,
                        ["samples"] = cell.Scored.Samples,
                        ["skipped"] = cell.Skipped,
                        ["file"] = cell.Scored.File,
                        ["sha256"] = cell.Scored.Sha256,
                    })
            ),
            ["dataFiles"] = new JArray(
                report.DataFiles.Select(file => new JObject
                {
                    ["task"] = file.Task,
                    ["use"] = file.Use,
                    ["file"] = file.File,
                    ["sha256"] = file.Sha256,
                    ["samplesUsed"] = file.SamplesUsed,
                })
            ),
            ["skippedSamples"] = new JArray(
                report.Skipped.Select(sample => new JObject
                {
                    ["task"] = sample.Task,
                    ["use"] = sample.Use,
                    ["sample"] = sample.Sample,
                    ["image"] = sample.Image,
                    ["reason"] = sample.Reason,
                })
            ),
            ["provenance"] = new JObject
            {
                ["version"] = ProductVersion.Current,
                ["started"] = Time(report.Started),
                ["finished"] = Time(report.Finished),
                ["drivenSeconds"] = report.Driven?.TotalSeconds,
                ["trainingSeconds"] = new JArray(report.Stages.Select(stage => stage.Trained.Seconds)),
                ["tokens"] = new JArray(report.Stages.Select(stage => stage.Trained.Tokens)),
                ["stages"] = new JArray(
                    results.Training.Select(stage => new JObject
                    {
                        ["stage"] = stage.Stage,
                        ["name"] = stage.Name,
                        ["steps"] = stage.Course.Steps,
                        ["totalSteps"] = stage.Course.TotalSteps,
                        ["lossAtTheEnd"] = stage.Course.LastLoss,
                        ["tokens"] = stage.Course.Tokens,
                        ["seconds"] = stage.Course.Seconds,
                        ["peakMemoryBytes"] = stage.Course.PeakMemory,
                        ["file"] = report.Steps.First(one => one.Stage == stage.Stage).File,
                    })
                ),
                ["training"] = new JArray(report.Stages.Select(stage => Computed(stage.Trained.Computation))),
                ["evaluation"] = new JArray(
                    InOrder(report)
                        .Select(cell => new JObject
                        {
                            ["stage"] = cell.Stage,
                            ["task"] = cell.Task,
                            ["seconds"] = cell.AnswerSeconds,
                            ["computed"] = cell.Scored.Computations is { } places ? new JArray(places.Select(Computed)) : null,
                        })
                ),
            },
        };
        if (report.Validations.Count > 0)
        {
            json.Property("provenance")!
                .AddBeforeSelf(
                    new JProperty(
                        "validation",
                        new JArray(
                            report.Validations.Select(stage => new JObject
                            {
                                ["stage"] = stage.Stage,
                                ["name"] = stage.Name,
                                ["points"] = new JArray(
                                    stage.Points.Select(point => new JObject
                                    {
                                        ["step"] = point.Step,
                                        ["loss"] = point.Loss,
                                        ["samples"] = point.Samples,
                                        ["tokens"] = point.Tokens,
                                    })
                                ),
                            })
                        )
                    )
                );
        }

        if (report.GivenAdapterSha256 is { } adapter)
        {
            json.Property("baseModelSha256")!.AddAfterSelf(new JProperty("givenAdapterSha256", adapter));
            json.Property("givenAdapterSha256")!
                .AddAfterSelf(
                    new JProperty(
                        "givenAdapter",
                        new JObject
                        {
                            ["path"] = report.GivenAdapterPath,
                            ["sha256"] = adapter,
                            ["use"] = report.TestsGivenAdapter ? "tested" : "trained further",
                        }
                    )
                );
        }

        if (results.Routing.Count > 0)
        {
            json.Property("predictions")!.AddBeforeSelf(new JProperty("routing", Routing(results)));
        }

        return JsonText.Of(json);
    }

    /// <summary>Cells by stage, then in the order of the tasks.</summary>
    internal static IEnumerable<CellReport> InOrder(RunReport report) =>
        report.Cells.OrderBy(cell => cell.Stage).ThenBy(cell => report.PlaceOf(cell.Task));

    private static JObject Stage(StageReport stage, int index) =>
        new()
        {
            ["stage"] = index + 1,
            ["task"] = stage.Trained.Task,
            ["adapterSha256"] = stage.Trained.AdapterSha256,
            ["projectorSha256"] = stage.Trained.ProjectorSha256,
            ["steps"] = stage.Trained.Steps,
            ["finalLoss"] = stage.Trained.FinalLoss,
            ["schedule"] = new JObject
            {
                ["learningRate"] = stage.Schedule.LearningRate,
                ["kind"] = ReportNames.Of(stage.Schedule.Kind),
                ["warmupSteps"] = stage.Schedule.WarmupSteps,
                ["totalSteps"] = stage.Schedule.TotalSteps,
                ["globalBatchSize"] = stage.Schedule.GlobalBatchSize,
            },
            ["samples"] = stage.Samples,
            ["batchSize"] = stage.Schedule.BatchSize,
            ["gradientAccumulation"] = stage.Schedule.Accumulation,
            ["worldSize"] = stage.Schedule.WorldSize,
        };

    /// <summary>Null for "not recorded".</summary>
    private static JToken Computed(Computation? place) =>
        place is null
            ? JValue.CreateNull()
            : new JObject
            {
                ["device"] = place.Device,
                ["threads"] = place.Threads,
                ["version"] = place.Version,
            };

    private static JObject Measured(RunResults results, Measure measure)
    {
        var tasks = results.Report.Tasks.Count;
        var json = new JObject
        {
            ["matrix"] = Rows(measure.Matrix, measure.Cell),
            ["samples"] = Rows(measure.Matrix, measure.SamplesOf),
            ["maa"] = measure.Results.Values.Maa,
            ["bwt"] = measure.Results.Values.Bwt,
        };
        if (measure.Matrix.IsJoint)
        {
            json["undefined"] = new JObject { ["bwt"] = AccuracyMatrix.WhyNoTransfer };
        }

        if (results.Report.Curriculum.Base is not null)
        {
            json["zeroShot"] = new JArray(Enumerable.Range(0, tasks).Select(task => measure.Cell(0, task)));
            json["zeroShotSamples"] = new JArray(Enumerable.Range(0, tasks).Select(task => measure.SamplesOf(0, task)));
        }

        return json;
    }

    private static JObject Judge(RunResults results, JudgeResults judge) =>
        new()
        {
            ["judge"] = judge.Judge,
            ["kind"] = judge.Kind,
            ["published"] = Measured(results, judge.Published),
            ["corrected"] = judge.Corrected is { } corrected ? Measured(results, corrected) : null,
            ["unparsable"] = judge.Unparsable,
            ["warning"] = judge.Warning,
            ["metrics"] = Both(judge, measure => Set(measure.Results.Values, value => value)),
            ["intervals"] = Both(judge, IntervalsOf),
        };

    private static JObject Following(RunResults results) =>
        new()
        {
            ["definition"] = InstructionFollowing.Definition,
            ["judges"] = new JArray(
                results.Judges.Select(judge =>
                {
                    var json = new JObject { ["judge"] = judge.Judge };
                    foreach (var gap in judge.Following)
                    {
                        json[ReportNames.Of(gap.Scoring)] = new JObject
                        {
                            ["matrix"] = Rows(results.Published.Matrix, (stage, task) => gap.Cells[stage - 1][task]),
                            ["justTrained"] = new JArray(gap.JustTrained),
                            ["final"] = new JArray(gap.Final),
                            ["justTrainedMean"] = gap.JustTrainedMean,
                            ["finalMean"] = gap.FinalMean,
                            ["forgetting"] = gap.Forgetting,
                        };
                    }

                    return json;
                })
            ),
        };

    private static JObject Routing(RunResults results) =>
        new()
        {
            ["definition"] = RoutedCell.Definition,
            ["cells"] = new JArray(
                results.Routing.Select(cell => new JObject
                {
                    ["stage"] = cell.Stage,
                    ["task"] = cell.Task,
                    ["experts"] = new JArray(cell.Routing.Means),
                    ["layers"] = new JArray(cell.Routing.Layers.Select(layer => new JArray(layer.Means))),
                })
            ),
        };

    private static JObject Intervals(RunResults results)
    {
        var options = new BootstrapOptions();
        var json = Truth(results, IntervalsOf);
        json.AddFirst(new JProperty("resamples", options.Resamples));
        json.AddFirst(new JProperty("level", options.Level));
        return json;
    }

    private static JObject IntervalsOf(Measure measure)
    {
        var json = Set(measure.Results.Intervals, Pair);
        json["cells"] = new JArray(
            Enumerable
                .Range(1, measure.Matrix.Stages)
                .Select(stage => new JArray(
                    Enumerable
                        .Range(0, measure.Matrix.Tasks)
                        .Select(task =>
                            measure.Matrix.Has(stage - 1, task) ? Pair(measure.Results.CellInterval(stage, task)) : JValue.CreateNull()
                        )
                ))
        );
        json["zeroShot"] = new JArray(
            Enumerable.Range(0, measure.Matrix.Tasks).Select(task => Pair(measure.Results.CellInterval(0, task)))
        );
        return json;
    }

    private static JObject Truth(RunResults results, Func<Measure, JObject> of) =>
        new() { ["published"] = of(results.Published), ["corrected"] = results.Corrected is { } corrected ? of(corrected) : null };

    private static JObject Both(JudgeResults judge, Func<Measure, JObject> of) =>
        new() { ["published"] = of(judge.Published), ["corrected"] = judge.Corrected is { } corrected ? of(corrected) : null };

    private static JObject Set<T>(MetricSet<T> set, Func<T, JToken?> of) =>
        new(set.Named.Select(one => new JProperty(one.Name, of(one.Value))));

    private static JToken Pair(Interval? interval) => interval is { } known ? new JArray(known.Low, known.High) : JValue.CreateNull();

    /// <summary>A row of T for every stage, null where a task is not tested after it: above the diagonal.</summary>
    /// <param name="cell">By stage from 1 and task from 0.</param>
    private static JArray Rows<T>(AccuracyMatrix matrix, Func<int, int, T?> cell)
        where T : struct =>
        new(
            Enumerable
                .Range(1, matrix.Stages)
                .Select(stage => new JArray(
                    Enumerable.Range(0, matrix.Tasks).Select(task => matrix.Has(stage - 1, task) ? cell(stage, task) : null)
                ))
        );

    private static string? Time(DateTimeOffset? time) =>
        time?.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
