using System.Buffers.Binary;
using CoIN.Benchmark.Data;

namespace CoIN.Models.Imaging;

/// <summary>
/// JPEG files that lack the mark at their end. Cameras and downloaders write some that lack only the mark; Pillow decodes them where it is
/// told to load truncated images. A file that lacks pixels too must not pass for one of those, as decoders fill what is missing.
/// </summary>
internal static class UnendedJpeg
{
    /// <summary>What is said of a file that lacks the mark alone.</summary>
    public const string Trouble = "lacks the JPEG end mark, but all of its pixels are there";

    private static readonly byte[] EndMark = [0xFF, 0xD9];

    // Where pixels are missing, what stands in front of the mark is decoded for them, and each of these becomes other pixels.
    private static readonly byte[] Fillings = [0x00, 0x5A, 0xA5, 0xFE];

    /// <summary>Decodes such a file.</summary>
    /// <param name="bytes">The whole file.</param>
    /// <param name="decode">Decodes a file that has the mark; null for one that is damaged.</param>
    /// <returns>The picture, or null where pixels are missing, or where it cannot be told.</returns>
    public static RgbImage? Decode(ReadOnlySpan<byte> bytes, Func<byte[], RgbImage?> decode)
    {
        // A mark of which only the first byte is there, which no pixel ends with.
        var data = bytes.TrimEnd((byte)0xFF);
        if (!HasOneScan(data) || decode([.. data, .. EndMark]) is not { } image)
        {
            return null;
        }

        foreach (var filling in Fillings)
        {
            if (
                decode([.. data, .. Enumerable.Repeat(filling, 64), .. EndMark]) is not { } other
                || !other.Pixels.AsSpan().SequenceEqual(image.Pixels)
            )
            {
                return null;
            }
        }

        return image;
    }

    /// <summary>
    /// Whether one scan holds all components from its beginning to its end: later scans, or intervals that begin anew, could be missing
    /// without a trace (ITU-T T.81, B.2).
    /// </summary>
    private static bool HasOneScan(ReadOnlySpan<byte> bytes)
    {
        var components = 0;
        for (var at = 2; at + 4 < bytes.Length && bytes[at] == 0xFF; )
        {
            var mark = bytes[at + 1];
            switch (mark)
            {
                case 0xFF:
                    at++;
                    continue;
                case 0xC0 or 0xC1 when at + 9 < bytes.Length:
                    components = bytes[at + 9];
                    break;
                case >= 0xC2 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC):
                    return false;
                case 0xDD when at + 5 < bytes.Length && BinaryPrimitives.ReadUInt16BigEndian(bytes[(at + 4)..]) != 0:
                    return false;
                case 0xDA:
                    return components > 0 && bytes[at + 4] == components;
            }

            at += 2 + BinaryPrimitives.ReadUInt16BigEndian(bytes[(at + 2)..]);
        }

        return false;
    }
}
