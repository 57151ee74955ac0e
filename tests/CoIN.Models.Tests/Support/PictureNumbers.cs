using CoIN.Models.Imaging;

namespace CoIN.Models.Tests.Support;

/// <summary>What a vision tower gets of a file.</summary>
internal static class PictureNumbers
{
    /// <returns>[3, height, width].</returns>
    public static float[] Numbers(this IPictureProcessor pictures, string path) => pictures.Normalized(ImageDecoder.Decode(path));
}
