using CoIN.Benchmark;

namespace CoIN.Models.Imaging;

/// <summary>How pictures become what a vision tower gets.</summary>
internal interface IPictureProcessor
{
    /// <summary>Pixels of a side.</summary>
    int Size { get; }

    /// <summary>Normalized pixels [3, size, size] of a file.</summary>
    /// <param name="warn">Receives a sentence about a picture that is not whole, if given.</param>
    /// <exception cref="CoinException">The file is missing or cannot be read.</exception>
    float[] Pixels(string path, Action<string>? warn);

    /// <summary>What a tower sees of a picture, as a picture again.</summary>
    RgbImage Seen(RgbImage image);
}
