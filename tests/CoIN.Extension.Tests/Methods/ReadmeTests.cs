namespace CoIN.Extension.Tests.Methods;

public sealed class ReadmeTests
{
    [Fact]
    public void The_method_in_the_README_is_the_one_that_is_tested()
    {
        var root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "CoIN.Actors.sln")))
        {
            root = Path.GetDirectoryName(root)!;
        }

        var source = File.ReadAllText(Path.Combine(root, "tests", "CoIN.Extension.Tests", "Methods", "PullToStart.cs"));
        var method = source[source.IndexOf("/// <summary>", StringComparison.Ordinal)..].TrimEnd();
        Assert.Contains(
            method,
            File.ReadAllText(Path.Combine(root, "src", "CoIN.Models", "Methods", "README.md")),
            StringComparison.Ordinal
        );
    }
}
