using System.Globalization;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace CoIN.Benchmark.Reports.Tables;

/// <summary>JSON as all reports have it: indented, line feeds, the same bytes for the same content.</summary>
public static class JsonText
{
    /// <summary>The text, with a line feed at its end. Nothing is rounded.</summary>
    public static string Of(JToken root)
    {
        using var text = new StringWriter(CultureInfo.InvariantCulture) { NewLine = "\n" };
        using var writer = new JsonTextWriter(text) { Formatting = Formatting.Indented };
        root.WriteTo(writer);
        return text + "\n";
    }
}
