namespace CoIN.Models.Tokenization;

/// <summary>
/// The letters that stand for bytes in byte-level vocabularies (Radford et al. 2019): visible characters of Latin-1 for themselves, every
/// other byte for a letter from U+0100 on, in order.
/// </summary>
internal static class ByteAlphabet
{
    private static readonly Dictionary<char, byte> Bytes = Make();
    private static readonly char[] All = [.. Bytes.Keys];

    /// <summary>Appends the bytes of a token.</summary>
    /// <returns>False if it has a letter that stands for none.</returns>
    public static bool TryAppend(string token, List<byte> bytes)
    {
        foreach (var letter in token)
        {
            if (!Bytes.TryGetValue(letter, out var value))
            {
                return false;
            }

            bytes.Add(value);
        }

        return true;
    }

    /// <summary>The letters of all bytes.</summary>
    public static IEnumerable<string> Letters => Bytes.Keys.Select(letter => letter.ToString());

    /// <summary>A text in these letters.</summary>
    public static string Of(string text) => Of(System.Text.Encoding.UTF8.GetBytes(text));

    /// <summary>Bytes in these letters.</summary>
    public static string Of(byte[] bytes) => string.Concat(bytes.Select(value => All[value]));

    private static Dictionary<char, byte> Make()
    {
        var bytes = new Dictionary<char, byte>();
        var next = '\u0100';
        for (var value = 0; value <= byte.MaxValue; value++)
        {
            var visible = value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
            bytes.Add(visible ? (char)value : next++, (byte)value);
        }

        return bytes;
    }
}
