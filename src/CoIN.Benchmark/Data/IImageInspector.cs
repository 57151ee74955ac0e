namespace CoIN.Benchmark.Data;

/// <summary>What became of decoding an image.</summary>
public enum ImageState
{
    /// <summary>Every pixel was decoded.</summary>
    Whole,

    /// <summary>There is no such file.</summary>
    Missing,

    /// <summary>It begins as an image and ends too soon.</summary>
    Truncated,

    /// <summary>It is no image, or a damaged one, or may not be read.</summary>
    Corrupt,
}

/// <summary>Kinds of images that image libraries read in different ways.</summary>
[Flags]
public enum ImageTraits
{
    None = 0,

    /// <summary>Several frames, of which a model sees the first (GIF, APNG, WebP).</summary>
    Animated = 1,

    /// <summary>Four colour channels for printing (JPEG).</summary>
    Cmyk = 2,

    /// <summary>More than eight bits a channel.</summary>
    Deep = 4,

    /// <summary>All pixels are there, but not the mark that ends the format (JPEG).</summary>
    Unended = 8,
}

/// <summary>What is known of an image file after decoding it.</summary>
/// <param name="Trouble">
/// What is wrong, as a clause with "it" as its subject; null for a whole image that does not lack its end mark.
/// </param>
/// <param name="Format">
/// The format that its bytes have, in capitals (<c>JPEG</c>), whatever its name says; null where they are no image's.
/// </param>
/// <param name="Width">In pixels; 0 where it is not known.</param>
/// <param name="Height">In pixels; 0 where it is not known.</param>
/// <param name="Content">The first half of the file's SHA-256; 0 where it could not be read. Equal files have equal ones.</param>
public sealed record ImageFacts(
    ImageState State,
    string? Trouble,
    string? Format,
    ImageTraits Traits,
    int Width,
    int Height,
    UInt128 Content
)
{
    /// <summary>What a path without a file amounts to.</summary>
    public static ImageFacts Missing { get; } = new(ImageState.Missing, "does not exist", null, ImageTraits.None, 0, 0, 0);
}

/// <summary>Decodes image files as a run would, and looks at what kind they are. May be called from several threads.</summary>
public interface IImageInspector
{
    /// <summary>Inspects a file; every fault of it is part of the answer.</summary>
    ImageFacts Inspect(string path);

    /// <summary>
    /// The file-name extensions that a format's files have, in lower case with the dot, the usual one first; empty for a format that cannot
    /// be read.
    /// </summary>
    /// <param name="format">As in <see cref="ImageFacts.Format"/>.</param>
    IReadOnlyList<string> Extensions(string format);
}
