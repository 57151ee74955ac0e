using CoIN.Benchmark.Experiments;

namespace CoIN.Benchmark.Data;

/// <summary>A sample that a run leaves out since its image cannot be used.</summary>
/// <param name="Task">The task's name.</param>
/// <param name="Use"><c>train</c> or <c>test</c>.</param>
/// <param name="Sample">The sample's id.</param>
/// <param name="Image">The image's path below the image root.</param>
/// <param name="Reason">What is wrong with the image, as a clause with "it" as its subject; null where an earlier process found it.</param>
public sealed record SkippedSample(string Task, string Use, string Sample, string Image, string? Reason);

/// <summary>
/// Finds the images that cannot be used, once and before a run begins: each is decoded on all cores. What is left out is so the same for
/// every stage and every resume.
/// </summary>
/// <param name="root">The image root.</param>
/// <param name="inspector">Decodes images as the run will.</param>
internal sealed class BadImages(string root, IImageInspector inspector)
{
    private readonly Dictionary<string, string?> reasons = new(StringComparer.Ordinal);

    /// <summary>All that were found, by path in ordinal order.</summary>
    public IReadOnlyList<string> Found =>
        [.. reasons.Where(pair => pair.Value is not null).Select(pair => pair.Key).Order(StringComparer.Ordinal)];

    /// <summary>Looks at the images of some samples, as far as they are new.</summary>
    public void Look(IEnumerable<string?> images)
    {
        var added = images.OfType<string>().Distinct(StringComparer.Ordinal).Where(image => !reasons.ContainsKey(image)).ToArray();
        var found = new string?[added.Length];
        Parallel.For(0, added.Length, i =>
        {
            var facts = inspector.Inspect(Path.Combine(root, added[i]));
            found[i] = facts.State == ImageState.Whole ? null : facts.Trouble ?? "cannot be decoded";
        });
        for (var i = 0; i < added.Length; i++)
        {
            reasons[added[i]] = found[i];
        }
    }

    /// <summary>Why an image cannot be used; null if it can.</summary>
    public string? Reason(string? image) => image is null ? null : reasons.GetValueOrDefault(image);
}
