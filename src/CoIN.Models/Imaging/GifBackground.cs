namespace CoIN.Models.Imaging;

/// <summary>
/// The colour that a GIF has where its first frame paints nothing. A decoder makes such places transparent; Pillow, without transparency,
/// gives them the palette's colour of the transparent index, or that of index 0 where the frame has no such index.
/// </summary>
internal static class GifBackground
{
    private const int Header = 13;

    /// <summary>Reads it from a file's bytes.</summary>
    /// <returns>Null where they are no GIF with a frame.</returns>
    public static (byte Red, byte Green, byte Blue)? Of(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < Header || !bytes.StartsWith("GIF8"u8))
        {
            return null;
        }

        var table = Table(bytes, bytes[10], Header);
        var at = Header + table.Length;
        byte index = 0;
        while (at + 9 < bytes.Length)
        {
            switch (bytes[at])
            {
                case 0x21:
                    // A graphic control extension: size 4, flags with the lowest bit for a transparent index, two bytes of time, the index.
                    if (bytes[at + 1] == 0xF9 && bytes[at + 2] == 4 && (bytes[at + 3] & 1) != 0)
                    {
                        index = bytes[at + 6];
                    }

                    for (at += 2; at < bytes.Length && bytes[at] != 0; at += bytes[at] + 1) { }

                    at++;
                    break;
                case 0x2C:
                    var own = Table(bytes, bytes[at + 9], at + 10);
                    return Colour(own.IsEmpty ? table : own, index);
                default:
                    return null;
            }
        }

        return null;
    }

    private static ReadOnlySpan<byte> Table(ReadOnlySpan<byte> bytes, byte packed, int at)
    {
        var length = (packed & 0x80) == 0 ? 0 : 3 << ((packed & 7) + 1);
        return at + length <= bytes.Length ? bytes.Slice(at, length) : [];
    }

    /// <summary>A palette that is too short goes on in greys, as one that is not there begins.</summary>
    private static (byte Red, byte Green, byte Blue) Colour(ReadOnlySpan<byte> table, byte index) =>
        (index * 3) + 2 < table.Length ? (table[index * 3], table[(index * 3) + 1], table[(index * 3) + 2]) : (index, index, index);
}
