using System.Globalization;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using Serilog.Events;
using Serilog.Parsing;

namespace CoIN.Cli.Logging;

/// <summary>A line of a log file in Serilog's compact JSON format (CLEF).</summary>
/// <param name="At">When.</param>
/// <param name="Level">How severe.</param>
/// <param name="Message">The template with its values in it.</param>
/// <param name="Exception">With its stack trace; null where there is none.</param>
/// <param name="Json">The line as it stands in the file.</param>
internal sealed record LogLine(DateTimeOffset At, LogEventLevel Level, string Message, string? Exception, string Json)
{
    private static readonly MessageTemplateParser Parser = new();

    /// <summary>The actor, by its path without what all of them share; null where no actor says it.</summary>
    public string? Actor { get; private init; }

    /// <summary>Id of the run; null where it belongs to none.</summary>
    public string? Run { get; private init; }

    /// <summary>From 1, 0 for the base model; null where it belongs to none.</summary>
    public int? Stage { get; private init; }

    /// <summary>Its task's name; null where it belongs to none.</summary>
    public string? Task { get; private init; }

    /// <summary>Reads a line; null where it is none: cut off when its process was killed.</summary>
    public static LogLine? Read(string line)
    {
        try
        {
            using var reader = new JsonTextReader(new StringReader(line)) { DateParseHandling = DateParseHandling.None };
            var json = JObject.Load(reader);
            if (
                (string?)json["@t"] is not { } time
                || !DateTimeOffset.TryParse(time, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at)
            )
            {
                return null;
            }

            var level = Enum.TryParse<LogEventLevel>((string?)json["@l"], out var known) ? known : LogEventLevel.Information;
            return new LogLine(at, level, Rendered(json), (string?)json["@x"], line)
            {
                Actor = (string?)json["ActorPath"] is { } path ? LineFormatter.Shortened(path) : null,
                Run = (string?)json["RunId"],
                Stage = json["Stage"] is JValue { Type: JTokenType.Integer } stage ? (int)stage : null,
                Task = (string?)json["Task"],
            };
        }
        catch (Exception e) when (e is JsonException or ArgumentException or InvalidCastException or OverflowException)
        {
            return null;
        }
    }

    /// <summary>As a line for people, with the date.</summary>
    public string Text()
    {
        var parts = new[] { Run, Stage is { } stage ? string.Create(CultureInfo.InvariantCulture, $"stage {stage}") : null, Task }
            .OfType<string>()
            .ToList();
        return string.Create(CultureInfo.InvariantCulture, $"{At.ToLocalTime():yyyy-MM-dd HH:mm:ss} {LineFormatter.Level(Level)}")
            + (Actor is null ? "" : $" {Actor}")
            + (parts.Count > 0 ? $" [{string.Join(' ', parts)}]" : "")
            + $" {Message.ReplaceLineEndings(" ")}"
            + (Exception is null ? "" : $"\n{Exception.TrimEnd()}");
    }

    private static string Rendered(JObject json)
    {
        if ((string?)json["@m"] is { } rendered)
        {
            return rendered;
        }

        var values = json.Properties()
            .Where(one => !one.Name.StartsWith('@'))
            .ToDictionary(
                one => one.Name,
                one => (LogEventPropertyValue)new ScalarValue(one.Value is JValue value ? value.Value : one.Value.ToString(Formatting.None))
            );
        return LineFormatter.Message(Parser.Parse((string?)json["@mt"] ?? ""), values);
    }
}
