using System.Text.RegularExpressions;

namespace CoIN.Benchmark.Data;

/// <summary>
/// Images as Qwen-VL's data files have them, whose path stands in the text: <c>Picture 1: &lt;img&gt;path&lt;/img&gt;</c>. The mark with
/// its number is read as the tag that other files have.
/// </summary>
internal static partial class PathMarks
{
    public const string Start = "<img>",
        End = "</img>";

    /// <summary>A text with tags in the place of marks.</summary>
    /// <param name="paths">Receives the marks' paths.</param>
    public static string Read(string text, List<string> paths) =>
        !text.Contains(Start, StringComparison.Ordinal)
            ? text
            : Mark()
                .Replace(text, match =>
                {
                    paths.Add(match.Groups[1].Value);
                    return ImageTags.Tag;
                });

    [GeneratedRegex(@"(?:Picture \d+: ?)?<img>([^<>\n]+)</img>", RegexOptions.CultureInvariant)]
    private static partial Regex Mark();
}
