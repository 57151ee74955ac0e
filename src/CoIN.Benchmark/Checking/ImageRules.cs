using CoIN.Benchmark.Data;

namespace CoIN.Benchmark.Checking;

/// <summary>What can be wrong with an image file.</summary>
internal static class ImageRules
{
    /// <summary>Checks what was found out about an image against its name and its samples.</summary>
    public static IEnumerable<Flaw> Check(ImageUse use, ImageFacts facts, LookAlikes others, IImageInspector inspector)
    {
        var users = use.Uses > 1 ? $" ({use.Uses} samples use it)" : "";
        switch (facts.State)
        {
            case ImageState.Missing:
                yield return new Flaw(FindingKind.MissingImage, $"{use.Path} {facts.Trouble}{others.Clause(use.Path)}{users}");
                yield break;
            case ImageState.Truncated:
                yield return new Flaw(FindingKind.TruncatedImage, $"{use.Path} {facts.Trouble}{users}");
                break;
            case ImageState.Corrupt:
                yield return new Flaw(FindingKind.CorruptImage, $"{use.Path} {facts.Trouble}{users}");
                break;
        }

        if (facts.Traits.HasFlag(ImageTraits.Unended))
        {
            yield return new Flaw(FindingKind.UnendedImage, $"{use.Path} {facts.Trouble}{users}");
        }

        if (facts.Traits.HasFlag(ImageTraits.Animated))
        {
            yield return new Flaw(FindingKind.AnimatedImage, $"{use.Path} is an animated {facts.Format}{users}");
        }

        if (facts.Traits.HasFlag(ImageTraits.Cmyk))
        {
            yield return new Flaw(FindingKind.CmykImage, $"{use.Path} is a {facts.Format} in CMYK{users}");
        }

        if (facts.Traits.HasFlag(ImageTraits.Deep))
        {
            yield return new Flaw(FindingKind.DeepImage, $"{use.Path} is a {facts.Format} with more than eight bits a channel{users}");
        }

        if (
            facts.Format is { } format
            && inspector.Extensions(format) is { Count: > 0 } extensions
            && !extensions.Contains(Path.GetExtension(use.Path).ToLowerInvariant())
        )
        {
            yield return new Flaw(FindingKind.WrongExtension, $"{use.Path} is a {format}, whose name would end in {extensions[0]}{users}");
        }

        if (
            use.Size is var (width, height)
            && facts is { State: ImageState.Whole, Width: > 0 }
            && (width != facts.Width || height != facts.Height)
        )
        {
            yield return new Flaw(
                FindingKind.WrongSize,
                FormattableString.Invariant(
                    $"{use.Path} has {facts.Width} × {facts.Height} pixels, but the sample's size is {width} × {height}{users}"
                )
            );
        }
    }
}
