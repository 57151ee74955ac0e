namespace CoIN.Models.Imaging;

/// <summary>A picture of eight bits a channel.</summary>
/// <param name="Pixels">[rows, columns, 3], red first.</param>
internal sealed record RgbImage(int Width, int Height, byte[] Pixels)
{
    /// <summary>The picture in the middle of a square of another colour, as LLaVA's training has it.</summary>
    public RgbImage PadToSquare(byte red, byte green, byte blue)
    {
        if (Width == Height)
        {
            return this;
        }

        var size = Math.Max(Width, Height);
        var square = new byte[size * size * 3];
        for (var i = 0; i < square.Length; i += 3)
        {
            (square[i], square[i + 1], square[i + 2]) = (red, green, blue);
        }

        int left = (size - Width) / 2,
            top = (size - Height) / 2;
        for (var y = 0; y < Height; y++)
        {
            Pixels.AsSpan(y * Width * 3, Width * 3).CopyTo(square.AsSpan((((top + y) * size) + left) * 3));
        }

        return new RgbImage(size, size, square);
    }

    /// <summary>A part of the picture.</summary>
    public RgbImage Crop(int left, int top, int width, int height)
    {
        var part = new byte[width * height * 3];
        for (var y = 0; y < height; y++)
        {
            Pixels.AsSpan((((top + y) * Width) + left) * 3, width * 3).CopyTo(part.AsSpan(y * width * 3));
        }

        return new RgbImage(width, height, part);
    }
}
