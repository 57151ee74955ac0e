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
}
