namespace CoIN.Models.Imaging;

/// <summary>A picture that waits for a vision tower.</summary>
/// <param name="Fill">Writes its normalized numbers, [3, height, width], to memory of that length.</param>
internal readonly record struct PictureBlock(int Height, int Width, Action<Span<float>> Fill)
{
    /// <summary>How many numbers it has.</summary>
    public int Length => checked(3 * Height * Width);
}

/// <summary>How pictures become what a vision tower gets.</summary>
internal interface IPictureProcessor
{
    /// <summary>Pixels of a side; 0 where pictures have no common size.</summary>
    int Size { get; }

    /// <summary>A picture in the shape and size that the tower wants.</summary>
    /// <exception cref="Benchmark.CoinException">It has none that the tower takes.</exception>
    RgbImage Resized(RgbImage image);

    /// <summary>Normalizes a picture of the tower's size.</summary>
    /// <param name="resized">What <see cref="Resized"/> gave.</param>
    /// <param name="values">Receives [3, height, width].</param>
    void Normalize(RgbImage resized, Span<float> values);

    /// <summary>
    /// A file's picture as it waits for the tower: in eight bits, a quarter of the memory that normalized numbers take.
    /// </summary>
    /// <param name="warn">Receives a sentence about a picture that is not whole, if given.</param>
    /// <exception cref="Benchmark.CoinException">The file is missing or cannot be read.</exception>
    PictureBlock Block(string path, Action<string>? warn)
    {
        var resized = Resized(ImageDecoder.Decode(path, warn));
        return new PictureBlock(resized.Height, resized.Width, values => Normalize(resized, values));
    }

    /// <summary>Normalized numbers of a picture of any size: [3, height, width] of the tower's.</summary>
    /// <exception cref="Benchmark.CoinException">As for <see cref="Resized"/>.</exception>
    float[] Normalized(RgbImage image)
    {
        var resized = Resized(image);
        var values = new float[3 * resized.Height * resized.Width];
        Normalize(resized, values);
        return values;
    }

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
