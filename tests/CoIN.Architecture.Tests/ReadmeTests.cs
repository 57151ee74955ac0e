using System.Text.RegularExpressions;

namespace CoIN.Architecture.Tests;

/// <summary>The READMEs as a newcomer walks through them.</summary>
public sealed partial class ReadmeTests
{
    private static readonly string Root = SourceArrows.Repository;

    public static TheoryData<string> Pages =>
        [
            .. new[] { "src", "tests", "hocon" }
                .SelectMany(folder => Directory.EnumerateFiles(Path.Combine(Root, folder), "*.md", SearchOption.AllDirectories))
                .Append(Path.Combine(Root, "README.md"))
                .Select(path => Path.GetRelativePath(Root, path))
                .Where(path => !path.Split(Path.DirectorySeparatorChar).Intersect(["bin", "obj", "golden"]).Any()),
        ];

    public static TheoryData<string> Projects =>
        [.. Directory.EnumerateDirectories(Path.Combine(Root, "src")).Select(folder => Path.GetFileName(folder)!)];

    [Theory]
    [MemberData(nameof(Pages))]
    public void Every_link_leads_to_a_file_and_a_heading_that_are_there(string page)
    {
        var text = File.ReadAllText(Path.Combine(Root, page));
        var lost = Links()
            .Matches(text)
            .Select(link => link.Groups[1].Value)
            .Where(link => !link.Contains("://", StringComparison.Ordinal) && !Leads(Path.Combine(Root, page), link));
        Assert.Empty(lost);
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_projects_README_begins_with_the_picture_of_who_calls_whom(string project) =>
        Assert.Contains(File.ReadLines(Path.Combine(Root, "src", project, "README.md")).Take(10), line =>
            line.StartsWith("    ", StringComparison.Ordinal) && line.Contains('►')
        );

    private static bool Leads(string page, string link)
    {
        var parts = link.Split('#', 2);
        var target = parts[0].Length == 0 ? page : Path.GetFullPath(Path.Combine(Path.GetDirectoryName(page)!, parts[0]));
        return parts.Length == 1 || !target.EndsWith(".md", StringComparison.Ordinal)
            ? Path.Exists(target)
            : File.Exists(target) && Anchors(target).Contains(parts[1]);
    }

    /// <summary>The headings as they are linked: small letters, digits and hyphens.</summary>
    private static IEnumerable<string> Anchors(string page) =>
        File.ReadLines(page)
            .Where(line => Heading().IsMatch(line))
            .Select(line => Dropped().Replace(line.TrimStart('#').Trim().ToLowerInvariant(), "").Replace(' ', '-'));

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Links();

    [GeneratedRegex("^#{1,6} ")]
    private static partial Regex Heading();

    [GeneratedRegex(@"[^\p{L}\p{N}\s_-]")]
    private static partial Regex Dropped();
}
