using System.Text.RegularExpressions;

namespace CoIN.Architecture.Tests;

/// <summary>Which part of a program uses which, by its source text.</summary>
internal static partial class SourceArrows
{
    /// <summary>A source file of the product.</summary>
    /// <param name="Project">E.g. <c>CoIN.Models</c>.</param>
    /// <param name="Path">Relative to the project's folder, with slashes.</param>
    internal sealed record Source(string Project, string Path, string Text)
    {
        /// <summary>Its top folder; empty where it lies in the project's own.</summary>
        public string Folder => Path.Contains('/', StringComparison.Ordinal) ? Path.Split('/')[0] : "";

        public string Namespace => NamespacePattern().Match(Text).Groups[1].Value;

        /// <summary>Namespaces below the project's own that it names.</summary>
        public IEnumerable<string> Used =>
            UsedPattern().Matches(Text).Where(match => match.Groups[1].Value == Project).Select(match => match.Groups[2].Value).Distinct();
    }

    /// <summary>All source files of a project below <c>src</c>.</summary>
    public static IReadOnlyList<Source> Read(string project)
    {
        var root = Path.Combine(Repository, "src", project);
        return
        [
            .. Directory
                .EnumerateFiles(root, "*.cs", SearchOption.AllDirectories)
                .Select(path => (Path: path, Name: Path.GetRelativePath(root, path).Replace('\\', '/')))
                .Where(file =>
                    !file.Name.StartsWith("obj/", StringComparison.Ordinal) && !file.Name.StartsWith("bin/", StringComparison.Ordinal)
                )
                .Select(file => new Source(project, file.Name, File.ReadAllText(file.Path))),
        ];
    }

    /// <summary>The repository's folder.</summary>
    public static string Repository { get; } = Find(AppContext.BaseDirectory);

    private static string Find(string folder)
    {
        while (!File.Exists(Path.Combine(folder, "CoIN.Actors.sln")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("The tests do not run below the repository.");
        }

        return folder;
    }

    /// <summary>Uses that a table does not allow, as sentences.</summary>
    /// <param name="allowed">What each top folder may use besides itself.</param>
    public static IEnumerable<string> Forbidden(IEnumerable<Source> sources, IReadOnlyDictionary<string, string[]> allowed)
    {
        foreach (var source in sources)
        {
            if (!allowed.TryGetValue(source.Folder, out var may))
            {
                yield return $"{source.Path}: the folder {source.Folder} is not in the table";
                continue;
            }

            // What is no folder is a type of the project's own namespace.
            foreach (
                var used in source
                    .Used.Select(name => name.Split('.')[0])
                    .Distinct()
                    .Where(used => used != source.Folder && allowed.ContainsKey(used))
            )
            {
                if (!may.Contains(used))
                {
                    yield return $"{source.Path}: {source.Folder} must not use {used}";
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

            var cycle = done.Contains(at)
                ? null
                : arrows.GetValueOrDefault(at, []).Select(next => From(next, [.. way, at])).FirstOrDefault(found => found is not null);
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

    [GeneratedRegex(@"(?<!namespace )\b(CoIN\.\w+)\.([A-Z]\w*(?:\.[A-Z]\w*)*)")]
    private static partial Regex UsedPattern();
}
