using System.Text.RegularExpressions;

namespace CoIN.Architecture.Tests;

/// <summary>
/// Lines end where <c>.editorconfig</c> says; CSharpier (<c>dotnet csharpier format .</c>) breaks those of code, nobody breaks comments.
/// </summary>
public sealed class LinesTests
{
    [Fact]
    public void No_line_is_longer_than_140_but_for_texts_that_stand_in_one_piece()
    {
        var settings = File.ReadAllText(Path.Combine(SourceArrows.Repository, ".editorconfig"));
        var longest = int.Parse(Regex.Match(settings, @"max_line_length = (\d+)").Groups[1].Value);
        Assert.Equal(140, longest);
        var tooLong = new[] { "src", "tests" }
            .SelectMany(folder =>
                Directory.EnumerateFiles(Path.Combine(SourceArrows.Repository, folder), "*.cs", SearchOption.AllDirectories)
            )
            .Where(file => !file.Split(Path.DirectorySeparatorChar).Intersect(["bin", "obj"]).Any())
            .SelectMany(file =>
                OutsideTexts(File.ReadLines(file)).Where(one => one.Line.Length > longest).Select(one => (file, one.Number))
            )
            .Select(one => $"{Path.GetRelativePath(SourceArrows.Repository, one.file)}:{one.Number}");
        Assert.Empty(tooLong);
    }

    /// <summary>The lines that neither hold a text nor lie within one of several lines.</summary>
    private static IEnumerable<(string Line, int Number)> OutsideTexts(IEnumerable<string> lines)
    {
        var within = false;
        foreach (var (line, place) in lines.Select((line, place) => (line, place)))
        {
            if (Regex.Count(line, "\"{3,}") % 2 == 1)
            {
                within = !within;
            }
            else if (!within && !line.Contains('"'))
            {
                yield return (line, place + 1);
            }
        }
    }
}
