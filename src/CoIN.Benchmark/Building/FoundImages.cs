using CoIN.Benchmark.Data;

namespace CoIN.Benchmark.Building;

/// <summary>
/// The images of a raw data set as they lie on disk. Archives name some otherwise than the raw files do (OCR-VQA's have .jpg throughout,
/// its dataset.json .gif for some): the file that is there under such a name is taken, and that is said.
/// </summary>
/// <param name="root">The image root.</param>
internal sealed class FoundImages(string root)
{
    private readonly Dictionary<string, string?> found = new(StringComparer.Ordinal);
    private readonly LookAlikes others = new(root);

    /// <summary>
    /// The path below the root of the file that is there for an image, its own or that of its look-alike; null if there is none.
    /// </summary>
    public string? Find(string image)
    {
        if (!found.TryGetValue(image, out var path))
        {
            found[image] = path = File.Exists(PathOf(image)) ? image : others.Find(image);
        }

        return path;
    }

    /// <summary>Where an image should be.</summary>
    public string PathOf(string image) => Path.Combine(root, image);

    /// <summary>Which images were taken under another name, as a sentence; none if all have their own.</summary>
    public IEnumerable<string> Notes()
    {
        var renamed = found
            .Where(pair => pair.Value is not null && pair.Value != pair.Key)
            .OrderBy(pair => pair.Key, StringComparer.Ordinal)
            .ToList();
        if (renamed.Count > 0)
        {
            yield return $"{renamed.Count} image{(renamed.Count == 1 ? " is" : "s are")} there under another name than the raw data say and {(renamed.Count == 1 ? "was" : "were")} taken, "
                + $"such as {renamed[0].Value} for {renamed[0].Key}.";
        }
    }
}
