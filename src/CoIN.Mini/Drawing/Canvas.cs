namespace CoIN.Mini.Drawing;

/// <summary>A colour of eight bits a channel.</summary>
internal readonly record struct Rgb(byte Red, byte Green, byte Blue)
{
    public Rgb Scale(double factor) => new((byte)(Red * factor), (byte)(Green * factor), (byte)(Blue * factor));
}

/// <summary>A small picture to draw on: no antialiasing, no library, so that its bytes are the same everywhere.</summary>
internal sealed class Canvas
{
    /// <summary>Rows and columns.</summary>
    public const int Size = 48;

    public Canvas(Rgb background) => Fill(0, 0, Size, Size, background);

    /// <summary>[rows, columns, 3], red first.</summary>
    public byte[] Pixels { get; } = new byte[Size * Size * 3];

    public void Set(int x, int y, Rgb colour)
    {
        if (x is >= 0 and < Size && y is >= 0 and < Size)
        {
            var at = ((y * Size) + x) * 3;
            (Pixels[at], Pixels[at + 1], Pixels[at + 2]) = (colour.Red, colour.Green, colour.Blue);
        }
    }

    /// <summary>Fills a rectangle.</summary>
    public void Fill(int left, int top, int width, int height, Rgb colour) => Where(left, top, width, height, (_, _) => true, colour);

    /// <summary>Fills the pixels of a rectangle for which a rule holds.</summary>
    /// <param name="inside">Gets the pixel's centre, −1 … 1 from left to right and from top to bottom.</param>
    public void Where(int left, int top, int width, int height, Func<double, double, bool> inside, Rgb colour)
    {
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                if (inside(((x + 0.5) / width * 2) - 1, ((y + 0.5) / height * 2) - 1))
                {
                    Set(left + x, top + y, colour);
                }
            }
        }
    }

    /// <summary>Multiplies every channel.</summary>
    public void Dim(double factor)
    {
        for (var i = 0; i < Pixels.Length; i++)
        {
            Pixels[i] = (byte)(Pixels[i] * factor);
        }
    }

    /// <summary>Averages every pixel with its neighbours, repeatedly; the mean is rounded down.</summary>
    public void Blur(int times)
    {
        // Rows first, then columns: the sum over a square is the sum of its rows' sums.
        const int Row = Size * 3;
        var sums = new int[Pixels.Length];
        for (; times > 0; times--)
        {
            for (var at = 0; at < sums.Length; at++)
            {
                var column = at % Row;
                sums[at] = Pixels[at] + (column >= 3 ? Pixels[at - 3] : 0) + (column < Row - 3 ? Pixels[at + 3] : 0);
            }

            for (var at = 0; at < sums.Length; at++)
            {
                int column = at % Row / 3,
                    row = at / Row;
                var sum = sums[at] + (row > 0 ? sums[at - Row] : 0) + (row < Size - 1 ? sums[at + Row] : 0);
                Pixels[at] = (byte)(sum / (Neighbours(column) * Neighbours(row)));
            }
        }
    }

    /// <summary>Places from one before to one after, as far as they are in the picture.</summary>
    private static int Neighbours(int place) => place is 0 or Size - 1 ? 2 : 3;
}
