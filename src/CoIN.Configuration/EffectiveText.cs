using System.Text;
using CoIN.Benchmark;
using CoIN.Benchmark.Methods;

namespace CoIN.Configuration;

/// <summary>Writes a whole configuration down, so that a run folder says by what it was made.</summary>
internal static class EffectiveText
{
    public static string Of(ObjectSetting root, IReadOnlyCollection<IMethod> methods)
    {
        var text = new StringBuilder("# The whole configuration of this run: defaults, files and --set together.\n");
        Write(text, "", "", root, ExperimentBinder.Paths(methods));
        return text.ToString();
    }

    private static void Write(StringBuilder text, string indent, string prefix, ObjectSetting section, IReadOnlySet<string> paths)
    {
        foreach (var (key, value) in section.Items)
        {
            switch (value)
            {
                case ObjectSetting child:
                    text.Append(indent).Append(key).Append(" {\n");
                    Write(text, indent + "  ", $"{prefix}{key}.", child, paths);
                    text.Append(indent).Append("}\n");
                    break;
                case ListSetting list:
                    text.Append(indent).Append(key).Append(" = [").AppendJoin(", ", list.Items.Select(Quoted)).Append("]\n");
                    break;
                case ScalarSetting scalar:
                    var path = paths.Contains(prefix + key) ? new Section("", section, new Problems()).OptionalPath(key) : scalar.Text;
                    text.Append(indent).Append(key).Append(" = ").Append(path is null ? "null" : Quoted(path)).Append('\n');
                    break;
            }
        }
    }

    private static string Quoted(string text) =>
        "\"" + text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal) + "\"";
}
