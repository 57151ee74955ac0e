namespace CoIN.Mini.Drawing;

/// <summary>
/// Capital letters of five by seven dots, drawn with dots of two by two pixels: ten by fourteen, large enough for patches of eight.
/// </summary>
internal static class Lettering
{
    private const int Columns = 5,
        Rows = 7,
        Dot = 2;

    /// <summary>Pixels from one letter to the next: two patches.</summary>
    public const int Advance = 16;

    // One row of dots per hexadecimal pair, top first; the leftmost dot is bit 4.
    private static readonly Dictionary<char, string> Dots = new()
    {
        ['a'] = "0E11111F111111",
        ['b'] = "1E11111E11111E",
        ['c'] = "0E11101010110E",
        ['d'] = "1E11111111111E",
        ['e'] = "1F10101E10101F",
        ['f'] = "1F10101E101010",
        ['g'] = "0E11101711110E",
        ['h'] = "1111111F111111",
        ['i'] = "0E04040404040E",
        ['j'] = "0702020202120C",
        ['k'] = "11121418141211",
        ['l'] = "1010101010101F",
        ['m'] = "111B1515111111",
        ['n'] = "11191513111111",
        ['o'] = "0E11111111110E",
        ['p'] = "1E11111E101010",
        ['q'] = "0E11111115120D",
        ['r'] = "1E11111E141211",
        ['s'] = "0F10100E01011E",
        ['t'] = "1F040404040404",
        ['u'] = "1111111111110E",
        ['v'] = "11111111110A04",
        ['w'] = "11111115151B11",
        ['x'] = "11110A040A1111",
        ['y'] = "11110A04040404",
        ['z'] = "1F01020408101F",
    };

    /// <summary>Draws a word, one letter for each two patches of width.</summary>
    /// <param name="left">Where the first letter's cell begins.</param>
    public static void Draw(Canvas canvas, string word, int left, int top, Rgb colour)
    {
        foreach (var letter in word)
        {
            var dots = Dots[letter];
            for (var row = 0; row < Rows; row++)
            {
                var bits = Convert.ToInt32(dots.Substring(row * 2, 2), 16);
                for (var column = 0; column < Columns; column++)
                {
                    if ((bits >> (Columns - 1 - column) & 1) != 0)
                    {
                        canvas.Fill(left + 3 + (column * Dot), top + (row * Dot), Dot, Dot, colour);
                    }
                }
            }

            left += Advance;
        }
    }
}
