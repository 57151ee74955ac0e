namespace CoIN.Benchmark.Data;

/// <summary>What lies beside a samples file that is missing.</summary>
public static class SampleFiles
{
    /// <summary>
    /// The other JSON files beside a path, by name: a published folder has its test samples in <c>test.json</c>, <c>val.json</c> or
    /// <c>test_1.json</c>.
    /// </summary>
    internal static IReadOnlyList<string> Candidates(string path)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(path));
        return Directory.Exists(folder)
            ?
            [
                .. Directory
                    .EnumerateFiles(folder, "*.json")
                    .Select(file => Path.GetFileName(file))
                    .Where(name => name != Path.GetFileName(path))
                    .Order(StringComparer.Ordinal),
            ]
            : [];
    }

    /// <summary>A sentence with a space in front that names the <see cref="Candidates"/>; empty without any.</summary>
    public static string CandidatesSentence(string path) =>
        Candidates(path) switch
        {
            [] => "",
            [var one] => $" There is {one} in that folder.",
            var several => $" There are {string.Join(", ", several.SkipLast(1))} and {several[^1]} in that folder.",
        };
}
