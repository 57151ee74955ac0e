using System.Xml.Linq;

namespace CoIN.Architecture.Tests;

/// <summary>Which project may refer to which, and who may know the large libraries.</summary>
public sealed class ProjectTests
{
    private static readonly Dictionary<string, string[]> Allowed = new(StringComparer.Ordinal)
    {
        ["CoIN.Benchmark"] = [],
        ["CoIN.Models"] = ["CoIN.Benchmark"],
        ["CoIN.Actors"] = ["CoIN.Benchmark"],
        ["CoIN.Configuration"] = ["CoIN.Benchmark", "CoIN.Actors"],
        ["CoIN.Mini"] = ["CoIN.Benchmark", "CoIN.Models"],
        ["CoIN.Cli"] = ["CoIN.Benchmark", "CoIN.Models", "CoIN.Actors", "CoIN.Configuration", "CoIN.Mini"],
    };

    [Fact]
    public void Projects_refer_to_those_that_they_may_and_no_others() =>
        Assert.All(Projects(), project =>
            Assert.Equal(
                Allowed[project.Name].Order(),
                References(project.Document, "ProjectReference").Select(path => Path.GetFileNameWithoutExtension(path)).Order()
            )
        );

    [Fact]
    public void Every_project_is_in_the_table() => Assert.Equal(Allowed.Keys.Order(), Projects().Select(project => project.Name).Order());

    [Theory]
    [InlineData("Akka", "CoIN.Actors,CoIN.Configuration")]
    [InlineData("TorchSharp", "CoIN.Models")]
    [InlineData("OpenTelemetry", "CoIN.Cli")]
    [InlineData("Serilog", "CoIN.Cli")]
    [InlineData("Spectre", "CoIN.Cli")]
    public void A_library_is_known_to_those_who_need_it(string library, string owners) =>
        Assert.Equal(
            owners.Split(','),
            Projects()
                .Where(project =>
                    References(project.Document, "PackageReference").Any(name => name.StartsWith(library, StringComparison.Ordinal))
                )
                .Select(project => project.Name)
                .Order()
        );

    private static IEnumerable<(string Name, XDocument Document)> Projects() =>
        Directory
            .EnumerateDirectories(Path.Combine(SourceArrows.Repository, "src"))
            .Select(folder => (Name: Path.GetFileName(folder), File: Path.Combine(folder, Path.GetFileName(folder) + ".csproj")))
            .Where(project => File.Exists(project.File))
            .Select(project => (project.Name, XDocument.Load(project.File)));

    private static IEnumerable<string> References(XDocument project, string kind) =>
        project.Descendants(kind).Select(reference => (string)reference.Attribute("Include")!);
}
