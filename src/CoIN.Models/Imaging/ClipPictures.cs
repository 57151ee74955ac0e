namespace CoIN.Models.Imaging;

/// <summary>Squares by CLIP's image processor.</summary>
/// <param name="mode">How a picture that is not square becomes one.</param>
internal sealed class ClipPictures(ClipImageProcessor images, ImageMode mode) : IPictureProcessor
{
    /// <inheritdoc/>
    public int Size => images.Size;

    /// <inheritdoc/>
    public RgbImage Resized(RgbImage image) => images.Resize(image, mode);

    /// <inheritdoc/>
    public void Normalize(RgbImage resized, Span<float> values) => images.Normalize(resized, values);

    /// <inheritdoc/>
    public RgbImage Seen(RgbImage image) => images.Restore(images.Normalize(Resized(image)));
}
