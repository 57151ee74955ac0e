namespace CoIN.Benchmark.Data.Reading;

/// <summary>A JSON file which holds a list of samples.</summary>
internal static class SampleFile
{
    /// <summary>Reads all samples in file order.</summary>
    /// <param name="path">The file.</param>
    /// <param name="idKeys">Names under which a sample's id may stand.</param>
    /// <param name="read">Makes a sample of its entry.</param>
    /// <exception cref="CoinException">The file is missing, is no JSON list of objects, or holds no sample.</exception>
    public static IReadOnlyList<T> Read<T>(string path, string[] idKeys, Func<SampleEntry, T> read)
    {
        using var reader = SampleFileReader.Open(path, idKeys);
        var samples = new List<T>();
        while (reader.Next() is { } entry)
        {
            samples.Add(read(entry));
        }

        samples.TrimExcess();
        return samples.Count > 0 ? samples : throw new CoinException($"{path} holds no samples. Copy the data set's file there again.");
    }

    /// <summary>
    /// The other JSON files beside a path, by name: a published folder has its test samples in <c>test.json</c>, <c>val.json</c> or <c>test_1.json</c>.
    /// </summary>
    public static IReadOnlyList<string> Candidates(string path)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(path));
        return Directory.Exists(folder)
            ? [.. Directory.EnumerateFiles(folder, "*.json").Select(file => Path.GetFileName(file)).Where(name => name != Path.GetFileName(path))
                .Order(StringComparer.Ordinal)]
            : [];
    }

    /// <summary>A sentence with a space in front that names the <see cref="Candidates"/>; empty without any.</summary>
    public static string CandidatesSentence(string path) => Candidates(path) switch
    {
        [] => "",
        [var one] => $" There is {one} in that folder.",
        var several => $" There are {string.Join(", ", several.SkipLast(1))} and {several[^1]} in that folder.",
    };
}
