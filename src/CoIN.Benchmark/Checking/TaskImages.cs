using CoIN.Benchmark.Data;

namespace CoIN.Benchmark.Checking;

/// <summary>A sample by its place.</summary>
internal readonly record struct SamplePlace(string File, int Line, string Id);

/// <summary>An image that samples of a task use.</summary>
/// <param name="Path">Below the image root.</param>
/// <param name="First">The sample that uses it first.</param>
internal sealed record ImageUse(string Path, SamplePlace First)
{
    /// <summary>How many samples use it.</summary>
    public int Uses { get; set; }

    /// <summary>The first training sample that uses it.</summary>
    public SamplePlace? InTraining { get; set; }

    /// <summary>The first test sample that uses it.</summary>
    public SamplePlace? InTest { get; set; }

    /// <summary>The size that the first sample with one says it has.</summary>
    public (double Width, double Height)? Size { get; set; }

    /// <summary>What the file is, after inspection.</summary>
    public ImageFacts? Facts { get; set; }

    /// <summary>The same for equal pictures: of the content, or of the path where there is none.</summary>
    public UInt128 Identity => Facts is { Content: var content } && content != 0 ? content : Fingerprint.Of(Path);
}

/// <summary>The images of a task in the order in which its samples name them, each once.</summary>
internal sealed class TaskImages
{
    private readonly Dictionary<string, int> indices = new(StringComparer.Ordinal);
    private readonly List<ImageUse> uses = [];

    public IReadOnlyList<ImageUse> All => uses;

    /// <summary>Notes that a sample uses an image.</summary>
    /// <returns>The image's index in <see cref="All"/>.</returns>
    public int Use(string path, SamplePlace place, bool training, (double Width, double Height)? size)
    {
        if (!indices.TryGetValue(path, out var index))
        {
            index = uses.Count;
            indices.Add(path, index);
            uses.Add(new ImageUse(path, place));
        }

        var use = uses[index];
        use.Uses++;
        use.Size ??= size;
        if (training)
        {
            use.InTraining ??= place;
        }
        else
        {
            use.InTest ??= place;
        }

        return index;
    }
}
