using System.Globalization;
using Serilog.Events;
using Serilog.Formatting;
using Serilog.Parsing;

namespace CoIN.Cli.Logging;

/// <summary>One event as a line for people: time, level, actor, run, stage and task where they are known, message.</summary>
/// <param name="prefix">What the runs' ids begin with, to be left out; empty for nothing.</param>
internal sealed class LineFormatter(string prefix = "") : ITextFormatter
{
    private const string Supervisor = "run-";

    private static readonly string[] Context = ["RunId", "Stage", "Task"];

    public void Format(LogEvent logEvent, TextWriter output)
    {
        output.Write(logEvent.Timestamp.ToString("HH:mm:ss", CultureInfo.InvariantCulture));
        output.Write(' ');
        output.Write(Level(logEvent.Level));
        if (Scalar(logEvent.Properties, "ActorPath") is { } path)
        {
            output.Write(' ');
            output.Write(Short(Shortened(path)));
        }

        var context = Context
            .Select(name => (name, Value: Scalar(logEvent.Properties, name)))
            .Where(pair => pair.Value is not null)
            .Select(pair =>
                pair.name == "Stage" ? $"stage {pair.Value}"
                : pair.name == "RunId" ? Short(pair.Value!)
                : pair.Value!
            )
            .ToList();
        if (context.Count > 0)
        {
            output.Write($" [{string.Join(' ', context)}]");
        }

        output.Write(' ');
        output.WriteLine(Line(Message(logEvent.MessageTemplate, logEvent.Properties)));
        if (logEvent.Exception is { } exception)
        {
            // The trace is in the log file.
            output.WriteLine($"         {exception.GetType().Name}: {Line(exception.Message)}");
        }
    }

    /// <summary>An actor's path without protocol, system and the guardian that all of them share.</summary>
    internal static string Shortened(string path)
    {
        foreach (var guardian in new[] { "/user/", "/system/" })
        {
            if (path.IndexOf(guardian, StringComparison.Ordinal) is >= 0 and var at)
            {
                return path[(at + guardian.Length)..];
            }
        }

        return path;
    }

    /// <summary>The message as a sentence: names in it stand without quotes.</summary>
    internal static string Message(MessageTemplate template, IReadOnlyDictionary<string, LogEventPropertyValue> values)
    {
        using var text = new StringWriter(CultureInfo.InvariantCulture);
        foreach (var token in template.Tokens)
        {
            if (token is PropertyToken { Format: null, Alignment: null } property && Scalar(values, property.PropertyName) is { } value)
            {
                text.Write(value);
            }
            else
            {
                token.Render(values, text, CultureInfo.InvariantCulture);
            }
        }

        return text.ToString();
    }

    /// <summary>A run's id, or the name of the actor that supervises it, without what all ids begin with.</summary>
    private string Short(string text) =>
        text.StartsWith(prefix, StringComparison.Ordinal) ? text[prefix.Length..]
        : text.StartsWith(Supervisor + prefix, StringComparison.Ordinal) ? Supervisor + text[(Supervisor.Length + prefix.Length)..]
        : text;

    private static string Line(string text) => text.ReplaceLineEndings(" ");

    internal static string Level(LogEventLevel level) =>
        level switch
        {
            LogEventLevel.Verbose or LogEventLevel.Debug => "debug",
            LogEventLevel.Information => "info ",
            LogEventLevel.Warning => "WARN ",
            _ => "ERROR",
        };

    private static string? Scalar(IReadOnlyDictionary<string, LogEventPropertyValue> values, string name) =>
        values.GetValueOrDefault(name) is ScalarValue { Value: { } value } ? Convert.ToString(value, CultureInfo.InvariantCulture) : null;
}
