using CoIN.Benchmark;

namespace CoIN.Models.Imaging;

/// <summary>A picture as a vision tower gets it.</summary>
/// <param name="Values">Normalized: [3, height, width].</param>
internal readonly record struct PictureBlock(float[] Values, int Height, int Width);

/// <summary>How pictures become what a vision tower gets.</summary>
internal interface IPictureProcessor
{
    /// <summary>Pixels of a side.</summary>
    int Size { get; }

    /// <summary>Normalized pixels [3, size, size] of a file.</summary>
    /// <param name="warn">Receives a sentence about a picture that is not whole, if given.</param>
    /// <exception cref="CoinException">The file is missing or cannot be read.</exception>
    float[] Pixels(string path, Action<string>? warn);

    /// <summary>The same with its shape.</summary>
    /// <inheritdoc cref="Pixels"/>
    PictureBlock Block(string path, Action<string>? warn) => new(Pixels(path, warn), Size, Size);

    /// <summary>
    /// Rows and columns of positions that a picture becomes, where pictures keep their size; null where all have the same.
    /// </summary>
    /// <param name="width">The picture's pixels from left to right.</param>
    /// <param name="height">From top to bottom.</param>
    (int Rows, int Columns)? GridOf(int width, int height) => null;

    /// <summary>Whether pictures keep their size.</summary>
    bool KeepsSize => false;

    /// <summary>What a tower sees of a picture, as a picture again.</summary>
    RgbImage Seen(RgbImage image);
}
