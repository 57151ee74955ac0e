using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace CoIN.Actors.Telemetry;

/// <summary>A stage or cell of a run, as metrics are labelled with it.</summary>
/// <param name="Stage">1-based; 0 for the base model.</param>
/// <param name="Task">The task, or what a stage is called that learns several.</param>
public readonly record struct WorkPlace(string Run, int Stage, string Task);

/// <summary>
/// What workers, scheduler and supervisors measure, as instruments of <see cref="System.Diagnostics.Metrics"/>: whoever wants the numbers
/// listens to the meter <see cref="Name"/>. While nobody listens nothing is made.
/// </summary>
public static class RunMetrics
{
    /// <summary>Of the meter.</summary>
    public const string Name = "CoIN";

    private const string Seconds = "s";
    private const string Bytes = "By";

    private static readonly Meter Meter = new(Name);

    private static readonly Counter<long> Steps = Meter.CreateCounter<long>("coin.training.steps", "{step}", "Optimizer steps done");
    private static readonly Counter<long> Tokens = Meter.CreateCounter<long>(
        "coin.training.tokens",
        "{token}",
        "Sequence positions (text and image) trained on"
    );
    private static readonly Gauge<double> TokensPerSecond = Meter.CreateGauge<double>(
        "coin.training.tokens_per_second",
        "{token}/s",
        "Speed of the last optimizer step"
    );
    private static readonly Gauge<double> Loss = Meter.CreateGauge<double>(
        "coin.training.loss",
        "nat",
        "Mean loss per labelled token of the last optimizer step"
    );
    private static readonly Gauge<double> LearningRate = Meter.CreateGauge<double>(
        "coin.training.learning_rate",
        "1",
        "Learning rate of the last optimizer step"
    );
    private static readonly Gauge<double> GradNorm = Meter.CreateGauge<double>(
        "coin.training.gradient_norm",
        "1",
        "2-norm of all gradients before clipping, of the last step"
    );
    private static readonly Histogram<double> StepSeconds = Meter.CreateHistogram<double>(
        "coin.training.step.duration",
        Seconds,
        "Time of an optimizer step"
    );
    private static readonly Gauge<double> Validation = Meter.CreateGauge<double>(
        "coin.validation.loss",
        "nat",
        "Loss per labelled token of held-out samples"
    );

    private static readonly Histogram<double> CheckpointSeconds = Meter.CreateHistogram<double>(
        "coin.checkpoint.duration",
        Seconds,
        "Time that a training stood still for a checkpoint: written, flushed and hashed"
    );

    private static readonly Histogram<long> CheckpointBytes = Meter.CreateHistogram<long>(
        "coin.checkpoint.size",
        Bytes,
        "Size of a checkpoint"
    );

    private static readonly Counter<long> Answers = Meter.CreateCounter<long>(
        "coin.evaluation.samples",
        "{sample}",
        "Test samples answered"
    );
    private static readonly Histogram<double> AnswerSeconds = Meter.CreateHistogram<double>(
        "coin.evaluation.batch.duration",
        Seconds,
        "Time to answer a batch of test samples"
    );
    private static readonly Counter<long> Cells = Meter.CreateCounter<long>("coin.cells", "{cell}", "Cells of the accuracy matrix scored");
    private static readonly Gauge<double> Accuracy = Meter.CreateGauge<double>("coin.cell.accuracy", "%", "Truth Alignment of a cell");
    private static readonly Histogram<double> JudgeSeconds = Meter.CreateHistogram<double>(
        "coin.judge.duration",
        Seconds,
        "From asking a judge to its reply"
    );

    private static readonly Gauge<int> Queue = Meter.CreateGauge<int>("coin.queue.length", "{item}", "Work items that wait for a worker");
    private static readonly Gauge<int> Workers = Meter.CreateGauge<int>(
        "coin.workers",
        "{worker}",
        "Workers by what they can do and where, working or free"
    );

    /// <summary>Whether anybody wants to know of checkpoints: their size has to be looked for.</summary>
    public static bool WantsCheckpoints => CheckpointBytes.Enabled || CheckpointSeconds.Enabled;

    /// <summary>Whether anybody wants to know how long judges take.</summary>
    public static bool WantsJudges => JudgeSeconds.Enabled;

    /// <summary>Whether anybody wants to know how the scheduler stands.</summary>
    public static bool WantsScheduler => Queue.Enabled || Workers.Enabled;

    /// <summary>An optimizer step.</summary>
    /// <param name="loss">In nats per labelled token.</param>
    /// <param name="seconds">Of the whole step.</param>
    public static void Step(WorkPlace place, string device, double loss, double learningRate, double gradNorm, int tokens, double seconds)
    {
        if (!(Steps.Enabled || Loss.Enabled || StepSeconds.Enabled))
        {
            return;
        }

        var tags = Of(place, device);
        Steps.Add(1, tags);
        Tokens.Add(tokens, tags);
        LearningRate.Record(learningRate, tags);
        StepSeconds.Record(seconds, tags);
        Finite(Loss, loss, tags);
        Finite(GradNorm, gradNorm, tags);
        Finite(TokensPerSecond, tokens / seconds, tags);
    }

    /// <summary>The loss of held-out samples, in nats per labelled token.</summary>
    public static void Validated(WorkPlace place, string device, double loss)
    {
        if (Validation.Enabled)
        {
            Finite(Validation, loss, Of(place, device));
        }
    }

    /// <summary>A checkpoint was written.</summary>
    public static void Checkpoint(WorkPlace place, string device, long bytes, double seconds)
    {
        var tags = Of(place, device);
        CheckpointBytes.Record(bytes, tags);
        CheckpointSeconds.Record(seconds, tags);
    }

    /// <summary>A batch of test samples was answered.</summary>
    public static void Answered(WorkPlace place, string device, int samples, double seconds)
    {
        if (Answers.Enabled || AnswerSeconds.Enabled)
        {
            var tags = Of(place, device);
            Answers.Add(samples, tags);
            AnswerSeconds.Record(seconds, tags);
        }
    }

    /// <summary>A cell was scored.</summary>
    /// <param name="published">Truth Alignment by the published rules, in percent.</param>
    /// <param name="corrected">By the corrected rules; null where unknown.</param>
    public static void Scored(WorkPlace place, double published, double? corrected)
    {
        if (!(Cells.Enabled || Accuracy.Enabled))
        {
            return;
        }

        Cells.Add(1, Of(place));
        Record("published", published);
        if (corrected is { } known)
        {
            Record("corrected", known);
        }

        void Record(string scoring, double percent)
        {
            var tags = Of(place);
            tags.Add("scoring", scoring);
            Accuracy.Record(percent, tags);
        }
    }

    /// <summary>A judge has replied.</summary>
    public static void Judged(WorkPlace place, string judge, double seconds)
    {
        var tags = Of(place);
        tags.Add("judge", judge);
        JudgeSeconds.Record(seconds, tags);
    }

    /// <summary>Work of a kind waits.</summary>
    /// <param name="kind"><c>train</c>, <c>evaluate</c> or <c>judge</c>.</param>
    public static void Waiting(string kind, int items) => Queue.Record(items, new TagList { { "kind", kind } });

    /// <summary>How many workers of a kind a device has.</summary>
    public static void Known(string kind, string device, string host, int working, int free)
    {
        Record("working", working);
        Record("free", free);

        void Record(string state, int count) =>
            Workers.Record(
                count,
                new TagList
                {
                    { "kind", kind },
                    { "device", device },
                    { "host", host },
                    { "state", state },
                }
            );
    }

    private static void Finite(Gauge<double> gauge, double value, in TagList tags)
    {
        if (double.IsFinite(value))
        {
            gauge.Record(value, tags);
        }
    }

    private static TagList Of(WorkPlace place) =>
        new()
        {
            { "run", place.Run },
            { "stage", place.Stage },
            { "task", place.Task },
            { "host", Environment.MachineName },
        };

    private static TagList Of(WorkPlace place, string device)
    {
        var tags = Of(place);
        tags.Add("device", device);
        return tags;
    }
}
