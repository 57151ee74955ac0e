using System.Globalization;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Runs;

namespace CoIN.Cli.Views;

/// <summary>Numbers and times as people read them.</summary>
internal static class Words
{
    /// <summary>E.g. <c>45 s</c>, <c>12 min 04 s</c>, <c>3 h 05 min</c>, <c>2 d 3 h</c>.</summary>
    public static string Duration(TimeSpan time) =>
        time switch
        {
            { TotalSeconds: < 60 } => Text($"{Math.Max(0, (int)time.TotalSeconds)} s"),
            { TotalHours: < 1 } => Text($"{time.Minutes} min {time.Seconds:00} s"),
            { TotalDays: < 1 } => Text($"{time.Hours} h {time.Minutes:00} min"),
            _ => Text($"{(int)time.TotalDays} d {time.Hours} h"),
        };

    /// <summary>
    /// Steps of a training with the micro-batches of the one in work, then loss, rate and speed as far as they are known.
    /// </summary>
    public static string Training(TrainingProgress training) =>
        string.Join(
            "  ",
            new[]
            {
                Text($"{training.Step}/{training.TotalSteps}")
                    + (training.MicroBatch > 0 ? Text($", micro-batch {training.MicroBatch}/{training.MicroBatches}") : ""),
                training.Conclusion is { } end ? Text($"end of the stage, {end.Done}/{end.Total} samples") : "",
                training.Last is { } last ? Text($"loss {last.Loss:0.0000}  lr {Rate(last.LearningRate)}") : "",
                training.TokensPerSecond is { } speed
                    ? $"{speed.ToString(speed < 100 ? "0.0" : "#,0", CultureInfo.InvariantCulture)} tokens/s"
                    : "",
            }.Where(part => part.Length > 0)
        );

    /// <summary>A learning rate, e.g. <c>1.9e-4</c>.</summary>
    public static string Rate(double rate) => rate == 0 ? "0" : rate.ToString("0.00e-0", CultureInfo.InvariantCulture);

    /// <summary>A percentage with two digits.</summary>
    public static string Percent(double value) => Text($"{value:0.00} %");

    /// <summary>What the numbers of a snapshot are: those of the rules that the paper's are by.</summary>
    public const string TruthAlignment = "Truth Alignment, published rules";

    public static string Text(FormattableString text) => FormattableString.Invariant(text);

    /// <summary>What kind of judge it is, so that nobody takes a rule for a language model.</summary>
    public static string Of(JudgeKind kind) =>
        kind switch
        {
            JudgeKind.Lexical => "a rule, no language model",
            JudgeKind.OpenAi => "a language model behind an endpoint",
            JudgeKind.Local => "a local language model",
            _ => "people",
        };

    public static string Of(RunStatus status) => status.ToString().ToLowerInvariant();
}
