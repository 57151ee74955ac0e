namespace CoIN.Benchmark.Data.Checking;

/// <summary>What can be wrong with an image file.</summary>
internal static class ImageRules
{
    private static readonly string[] UsualExtensions = [".jpg", ".jpeg", ".png", ".gif", ".webp", ".JPG", ".JPEG", ".PNG", ".GIF"];

    /// <summary>Checks what was found out about an image against its name and its samples.</summary>
    public static IEnumerable<Flaw> Check(ImageUse use, ImageFacts facts, string root, IImageInspector inspector)
    {
        var others = use.Uses > 1 ? $" ({use.Uses} samples use it)" : "";
        switch (facts.State)
        {
            case ImageState.Missing:
                yield return new Flaw(FindingKind.MissingImage, $"{use.Path} {facts.Trouble}{Sibling(root, use.Path)}{others}");
                yield break;
            case ImageState.Truncated:
                yield return new Flaw(FindingKind.TruncatedImage, $"{use.Path} {facts.Trouble}{others}");
                break;
            case ImageState.Corrupt:
                yield return new Flaw(FindingKind.CorruptImage, $"{use.Path} {facts.Trouble}{others}");
                break;
        }

        if (facts.Traits.HasFlag(ImageTraits.Animated))
        {
            yield return new Flaw(FindingKind.AnimatedImage, $"{use.Path} is an animated {facts.Format}{others}");
        }

        if (facts.Traits.HasFlag(ImageTraits.Cmyk))
        {
            yield return new Flaw(FindingKind.CmykImage, $"{use.Path} is a {facts.Format} in CMYK{others}");
        }

        if (facts.Traits.HasFlag(ImageTraits.Deep))
        {
            yield return new Flaw(FindingKind.DeepImage, $"{use.Path} is a {facts.Format} with more than eight bits a channel{others}");
        }

        if (facts.Format is { } format && inspector.Extensions(format) is { Count: > 0 } extensions
            && !extensions.Contains(Path.GetExtension(use.Path).ToLowerInvariant()))
        {
            yield return new Flaw(FindingKind.WrongExtension, $"{use.Path} is a {format}, whose name would end in {extensions[0]}{others}");
        }

        if (use.Size is var (width, height) && facts is { State: ImageState.Whole, Width: > 0 } && (width != facts.Width || height != facts.Height))
        {
            yield return new Flaw(FindingKind.WrongSize, FormattableString.Invariant(
                $"{use.Path} has {facts.Width} × {facts.Height} pixels, but the sample's size is {width} × {height}{others}"));
        }
    }

    /// <summary>A file of the same name with another extension, as a clause: data sets exist with .gif renamed to .jpg, and the other way about.</summary>
    private static string Sibling(string root, string path)
    {
        var sibling = UsualExtensions.Select(extension => Path.ChangeExtension(path, extension))
            .FirstOrDefault(other => other != path && File.Exists(Path.Combine(root, other)));
        return sibling is null ? "" : $", but {Path.GetFileName(sibling)} does";
    }
}
