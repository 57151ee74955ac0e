using System.Text;
using CoIN.Benchmark.Data;
using Newtonsoft.Json;

namespace CoIN.Benchmark.Checking;

/// <summary>
/// Findings as JSON lines: one object a finding, with the fields severity, kind, task, file, line, sample, image and message.
/// </summary>
internal static class FindingsFile
{
    /// <summary>Makes a writer of findings onto a stream, which stays open.</summary>
    public static StreamWriter Open(Stream stream) =>
        new(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), 1 << 16, leaveOpen: true) { NewLine = "\n" };

    /// <summary>Writes one line; fields that do not apply are left out.</summary>
    public static void Write(TextWriter writer, Finding finding)
    {
        var json = new JsonTextWriter(writer) { CloseOutput = false };
        json.WriteStartObject();
        Field(json, "severity", finding.Kind.Severity == Severity.Error ? "error" : "warning");
        Field(json, "kind", finding.Kind.Name);
        Field(json, "task", finding.Task);
        Field(json, "file", finding.File);
        Field(json, "line", finding.Line);
        Field(json, "sample", finding.Sample);
        Field(json, "image", finding.Image);
        Field(json, "message", finding.Message);
        json.WriteEndObject();
        json.Flush();
        writer.WriteLine();
    }

    private static void Field(JsonTextWriter json, string name, object? value)
    {
        if (value is not null)
        {
            json.WritePropertyName(name);
            json.WriteValue(value);
        }
    }
}
