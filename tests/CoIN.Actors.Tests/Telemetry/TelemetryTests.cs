using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using CoIN.Actors.Hosting;
using CoIN.Actors.Telemetry;
using CoIN.Actors.Tests.Support;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Runs;
using Microsoft.Extensions.Logging.Abstractions;

namespace CoIN.Actors.Tests.Telemetry;

/// <summary>What a run tells those who listen to its meter and its activity source.</summary>
public sealed class TelemetryTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly ConcurrentQueue<(string Instrument, double Value, Dictionary<string, object?> Tags)> measured = [];
    private readonly ConcurrentQueue<Activity> spans = [];
    private readonly MeterListener meters = new();

    public TelemetryTests()
    {
        meters.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == RunMetrics.Name)
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        meters.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Keep(instrument, value, tags));
        meters.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Keep(instrument, value, tags));
        meters.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Keep(instrument, value, tags));
        meters.Start();
    }

    public void Dispose()
    {
        meters.Dispose();
        folder.Dispose();
    }

    [Fact]
    public async Task Steps_checkpoints_answers_cells_judges_queue_and_workers_are_measured_with_run_stage_task_and_host()
    {
        var options = TinyExperiments.Of(2) with
        {
            Judge = new JudgeOptions
            {
                Name = "strict",
                Kind = JudgeKind.OpenAi,
                Endpoint = "http://x/v1",
                Model = "m",
            },
        };
        options = options with { Data = options.Data with { Validation = 3 } };
        var judges = new FakeJudges();
        var last = await Run("measured", options, new FakeLearners(), judges);
        Assert.True(last.Status == RunStatus.Completed, last.Message);

        Assert.Equal([12, 12], new[] { 1, 2 }.Select(stage => Sum("coin.training.steps", stage, $"Task{stage}")));
        Assert.Equal([1200, 1200], new[] { 1, 2 }.Select(stage => Sum("coin.training.tokens", stage, $"Task{stage}")));
        Assert.Equal(Enumerable.Range(1, 12).Select(step => 1.0 / step), Of("coin.training.loss", 1, "Task1").Select(one => one.Value));
        Assert.All(Of("coin.training.step.duration", 2, "Task2"), one => Assert.True(one.Value > 0));
        Assert.All(Of("coin.training.tokens_per_second", 2, "Task2"), one => Assert.True(one.Value > 0));
        Assert.All(Of("coin.training.steps", 1, "Task1"), one =>
            Assert.Equal((Environment.MachineName, "cpu"), (one.Tags["host"], one.Tags["device"]))
        );
        Assert.Equal(3, Of("coin.validation.loss", 1, "Task1").Count);

        // At steps 5 and 10 of each stage: a file with the step and 64 digits.
        Assert.Equal(
            [$"5\n{new string('0', 64)}".Length, $"10\n{new string('0', 64)}".Length],
            Of("coin.checkpoint.size", 1, "Task1").Select(one => (int)one.Value)
        );
        Assert.Equal(2, Of("coin.checkpoint.duration", 2, "Task2").Count);

        (int, string)[] cells = [(1, "Task1"), (2, "Task1"), (2, "Task2")];
        Assert.All(cells, cell => Assert.Equal(7, Sum("coin.evaluation.samples", cell.Item1, cell.Item2)));
        Assert.All(cells, cell => Assert.Equal(1, Sum("coin.cells", cell.Item1, cell.Item2)));
        foreach (var (scoring, matrix) in new[] { ("published", last.Cells), ("corrected", last.Corrected) })
        {
            Assert.Equal(
                matrix.SelectMany(row => row),
                cells.Select(cell =>
                    (double?)Of("coin.cell.accuracy", cell.Item1, cell.Item2).Single(one => (string?)one.Tags["scoring"] == scoring).Value
                )
            );
        }

        Assert.Equal(
            judges.Asked.Count,
            cells.Sum(cell => Of("coin.judge.duration", cell.Item1, cell.Item2).Count(one => (string?)one.Tags["judge"] == "strict"))
        );
        Assert.Equal(["evaluate", "judge", "train"], Named("coin.queue.length").Select(one => $"{one.Tags["kind"]}").Distinct().Order());
        Assert.Contains(Named("coin.workers"), one =>
            one is { Value: 1 }
            && Equals(one.Tags["kind"], "train")
            && Equals(one.Tags["device"], "cpu")
            && Equals(one.Tags["state"], "working")
        );
    }

    [Fact]
    public async Task A_trace_has_the_run_its_stages_and_in_them_what_was_trained_answered_and_scored()
    {
        using var listener = Listen("traced");
        var endedMeanwhile = false;
        var last = await Run(
            "traced",
            TinyExperiments.Of(2),
            new FakeLearners(
                atStep: (stage, step) =>
                {
                    if (stage == 2 && step == 3)
                    {
                        // Stages end when nothing of them is left, and not with the run.
                        endedMeanwhile = SpinWait.SpinUntil(
                            () => spans.Any(span => span.OperationName == "stage 1"),
                            TimeSpan.FromSeconds(30)
                        );
                    }
                }
            )
        );
        Assert.True(last.Status == RunStatus.Completed, last.Message);

        var run = Assert.Single(spans, span => span.OperationName == "run traced");
        Assert.Null(run.ParentId);
        Assert.Equal(("completed", ActivityStatusCode.Ok), (run.GetTagItem("coin.status"), run.Status));
        var stages = spans.Where(span => span.ParentSpanId == run.SpanId).OrderBy(span => span.StartTimeUtc).ToList();
        Assert.Equal(["stage 1", "stage 2"], stages.Select(stage => stage.OperationName));
        Assert.Equal("evaluation Task1 ×3, scoring Task1 ×1, training Task1 ×1", Kinds(stages[0]));
        Assert.Equal("evaluation Task1 ×3, evaluation Task2 ×3, scoring Task1 ×1, scoring Task2 ×1, training Task2 ×1", Kinds(stages[1]));
        foreach (var stage in stages)
        {
            Assert.All(Within(stage), span =>
                Assert.True(
                    span.StartTimeUtc >= stage.StartTimeUtc && span.StartTimeUtc + span.Duration <= stage.StartTimeUtc + stage.Duration,
                    span.OperationName
                )
            );
            Assert.All(Within(stage), span => Assert.Equal(Environment.MachineName, span.GetTagItem("host.name")));
        }

        Assert.Equal("trainer-cpu", Within(stages[0]).Single(span => span.OperationName == "training Task1").GetTagItem("coin.worker"));
        Assert.True(endedMeanwhile);
    }

    [Fact]
    public async Task What_fails_says_so_in_the_trace()
    {
        using var listener = Listen("broken");
        var last = await Run(
            "broken",
            TinyExperiments.Of(1),
            new FakeLearners(
                atStep: (_, step) =>
                {
                    if (step == 3)
                    {
                        throw TinyExperiments.NaN;
                    }
                }
            )
        );
        Assert.Equal(RunStatus.Failed, last.Status);
        var training = Assert.Single(spans, span => span.OperationName == "training Task1");
        Assert.Equal((ActivityStatusCode.Error, TinyExperiments.NaN.Message), (training.Status, training.StatusDescription));
        Assert.Equal(ActivityStatusCode.Error, Assert.Single(spans, span => span.OperationName == "run broken").Status);
    }

    private string Kinds(Activity stage) =>
        string.Join(
            ", ",
            Within(stage)
                .GroupBy(span => span.OperationName)
                .OrderBy(group => group.Key, StringComparer.Ordinal)
                .Select(group => $"{group.Key} ×{group.Count()}")
        );

    private List<Activity> Within(Activity stage) => [.. spans.Where(span => span.ParentSpanId == stage.SpanId)];

    private ActivityListener Listen(string run)
    {
        var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == RunMetrics.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = span =>
            {
                if (Equals(span.GetTagItem("coin.run"), run))
                {
                    spans.Enqueue(span);
                }
            },
        };
        ActivitySource.AddActivityListener(listener);
        return listener;
    }

    private void Keep(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
        measured.Enqueue((instrument.Name, value, tags.ToArray().ToDictionary()));

    private IEnumerable<(string Instrument, double Value, Dictionary<string, object?> Tags)> Named(string instrument) =>
        measured.Where(one => one.Instrument == instrument);

    /// <summary>Of the run of this test: others may be going on beside it.</summary>
    private List<(string Instrument, double Value, Dictionary<string, object?> Tags)> Of(string instrument, int stage, string task) =>
        [
            .. Named(instrument)
                .Where(one => Equals(one.Tags["run"], "measured") && Equals(one.Tags["stage"], stage) && Equals(one.Tags["task"], task)),
        ];

    private double Sum(string instrument, int stage, string task) => Of(instrument, stage, task).Sum(one => one.Value);

    private Task<RunSnapshot> Run(string id, ExperimentOptions options, FakeLearners learners, FakeJudges? judges = null) =>
        RunHost
            .RunAsync(
                new RunRequest(id, folder.Of(id), options, new NodeSettings()),
                learners,
                judges ?? new FakeJudges(),
                new FakeWork(),
                new Witness(),
                NullLoggerFactory.Instance,
                CancellationToken.None
            )
            .WaitAsync(TimeSpan.FromSeconds(60));
}
