using System.Globalization;
using System.Text.Json;

namespace CoIN.Benchmark.Steps;

/// <summary>A step as a line: a JSON object of about 150 bytes.</summary>
internal static class StepLine
{
    /// <summary>Nine digits are all that a number of single precision has.</summary>
    private const string Exact = "G9";

    private const double Milliseconds = 1000;

    /// <summary>Without the line's end.</summary>
    public static string Write(StepRecord step) =>
        FormattableString.Invariant(
            $"{{\"step\":{step.Step},\"of\":{step.Of},\"loss\":{Number(step.Loss)},\"lr\":{Number(step.LearningRate)},\"norm\":{Number(step.GradNorm)},"
        )
        + FormattableString.Invariant(
            $"\"samples\":{step.Samples},\"tokens\":{step.Tokens},\"seconds\":{step.Seconds:0.####},\"memory\":{step.Memory},"
        )
        + FormattableString.Invariant($"\"at\":{step.At.ToUnixTimeMilliseconds() / Milliseconds:0.000}}}");

    /// <summary>Reads a line; null where it is none: cut off by a power cut, or of something else.</summary>
    public static StepRecord? Read(ReadOnlySpan<byte> line)
    {
        try
        {
            var reader = new Utf8JsonReader(line);
            using var json = JsonDocument.ParseValue(ref reader);
            var root = json.RootElement;
            return new StepRecord(
                root.GetProperty("step").GetInt32(),
                root.GetProperty("of").GetInt32(),
                Number(root, "loss"),
                Number(root, "lr"),
                Number(root, "norm"),
                root.GetProperty("samples").GetInt32(),
                root.GetProperty("tokens").GetInt32(),
                Number(root, "seconds"),
                root.GetProperty("memory").GetInt64(),
                DateTimeOffset.FromUnixTimeMilliseconds((long)Math.Round(Number(root, "at") * Milliseconds))
            );
        }
        catch (Exception e)
            when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or ArgumentException)
        {
            return null;
        }
    }

    private static string Number(double value) => double.IsFinite(value) ? value.ToString(Exact, CultureInfo.InvariantCulture) : "null";

    private static double Number(JsonElement root, string name) =>
        root.GetProperty(name) is { ValueKind: JsonValueKind.Number } value ? value.GetDouble() : double.NaN;
}
