using System.Text.RegularExpressions;

namespace CoIN.Models.Tests.Architecture;

/// <summary>Which part of a program uses which, by its source text.</summary>
internal static partial class SourceArrows
{
    /// <summary>A source file of the product.</summary>
    /// <param name="Path">Relative to the project's folder, with slashes.</param>
    internal sealed record Source(string Path, string Text)
    {
        public string Namespace => NamespacePattern().Match(Text).Groups[1].Value;

        /// <summary>Namespaces below the project's own that it names.</summary>
        public IEnumerable<string> Used => UsedPattern().Matches(Text).Select(match => match.Groups[1].Value).Distinct();
    }

    /// <summary>All source files of <c>src/CoIN.Models</c>.</summary>
    public static IReadOnlyList<Source> Read()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "CoIN.Actors.sln")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("The tests do not run below the repository.");
        }

        var root = Path.Combine(folder, "src", "CoIN.Models");
        return [.. Directory.EnumerateFiles(root, "*.cs", SearchOption.AllDirectories)
            .Select(path => (Path: path, Name: Path.GetRelativePath(root, path).Replace('\\', '/')))
            .Where(file => !file.Name.StartsWith("obj/", StringComparison.Ordinal) && !file.Name.StartsWith("bin/", StringComparison.Ordinal))
            .Select(file => new Source(file.Name, File.ReadAllText(file.Path)))];
    }

    /// <summary>Uses that a table does not allow, as sentences.</summary>
    /// <param name="allowed">What each top folder may use besides itself.</param>
    public static IEnumerable<string> Forbidden(IEnumerable<Source> sources, IReadOnlyDictionary<string, string[]> allowed)
    {
        foreach (var source in sources)
        {
            var own = source.Path.Split('/')[0];
            foreach (var used in source.Used.Select(name => name.Split('.')[0]).Distinct().Where(used => used != own))
            {
                if (!allowed.TryGetValue(own, out var may))
                {
                    yield return $"{source.Path}: the folder {own} is not in the table";
                }
                else if (!may.Contains(used))
                {
                    yield return $"{source.Path}: {own} must not use {used}";
                }
            }
        }
    }

    /// <summary>A way in a circle through a table, as a sentence; null where there is none.</summary>
    public static string? Cycle(IReadOnlyDictionary<string, string[]> arrows)
    {
        var done = new HashSet<string>(StringComparer.Ordinal);
        return arrows.Keys.Select(key => From(key, [])).FirstOrDefault(cycle => cycle is not null);

        string? From(string at, IReadOnlyList<string> way)
        {
            if (way.Contains(at))
            {
                return string.Join(" uses ", way.SkipWhile(step => step != at).Append(at));
            }

            var cycle = done.Contains(at) ? null : arrows.GetValueOrDefault(at, []).Select(next => From(next, [.. way, at])).FirstOrDefault(found => found is not null);
            done.Add(at);
            return cycle;
        }
    }

    /// <summary>
    /// Members of a group of neighbours that know one another, and files besides <paramref name="registry"/> that know a member, as
    /// sentences.
    /// </summary>
    /// <param name="top">A top folder whose subfolders are neighbours.</param>
    /// <param name="registry">The one file that lists them.</param>
    public static IEnumerable<string> Acquainted(IEnumerable<Source> sources, string top, string registry) =>
        from source in sources
        where source.Path != registry
        from used in source.Used
        let parts = used.Split('.')
        where parts.Length > 1 && parts[0] == top && !source.Path.StartsWith($"{top}/{parts[1]}/", StringComparison.Ordinal)
        select $"{source.Path} must not know {used}";

    [GeneratedRegex(@"^namespace ([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex NamespacePattern();

    [GeneratedRegex(@"(?<!namespace )\bCoIN\.Models\.([A-Z]\w*(?:\.[A-Z]\w*)*)")]
    private static partial Regex UsedPattern();
}
