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

    /// <summary>Averages every pixel with its neighbours, repeatedly.</summary>
    public void Blur(int times)
    {
        for (; times > 0; times--)
        {
            var from = (byte[])Pixels.Clone();
            for (var y = 0; y < Size; y++)
            {
                for (var x = 0; x < Size; x++)
                {
                    for (var channel = 0; channel < 3; channel++)
                    {
                        int sum = 0, count = 0;
                        for (var row = Math.Max(y - 1, 0); row <= Math.Min(y + 1, Size - 1); row++)
                        {
                            for (var column = Math.Max(x - 1, 0); column <= Math.Min(x + 1, Size - 1); column++, count++)
                            {
                                sum += from[(((row * Size) + column) * 3) + channel];
                            }
                        }

                        Pixels[(((y * Size) + x) * 3) + channel] = (byte)(sum / count);
                    }
                }
            }
        }
    }
}
