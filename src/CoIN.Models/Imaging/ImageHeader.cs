using System.Buffers.Binary;
using CoIN.Benchmark.Data;

namespace CoIN.Models.Imaging;

/// <summary>What an image file's own marks say, without decoding its pixels.</summary>
/// <param name="Format">In capitals, e.g. <c>JPEG</c>; null where no known mark begins the file.</param>
/// <param name="Ends">Whether the mark that ends the format is there; true for formats without one.</param>
internal sealed record ImageHeader(string? Format, ImageTraits Traits, bool Ends)
{
    private static readonly ImageHeader Unknown = new(null, ImageTraits.None, true);

    /// <summary>Reads the marks of a file.</summary>
    public static ImageHeader Of(ReadOnlySpan<byte> bytes) =>
        bytes switch
        {
            [0xFF, 0xD8, 0xFF, ..] => Jpeg(bytes),
            [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A, ..] => Png(bytes),
            [(byte)'G', (byte)'I', (byte)'F', (byte)'8', (byte)'7' or (byte)'9', (byte)'a', ..] => Gif(bytes),
            [(byte)'R', (byte)'I', (byte)'F', (byte)'F', _, _, _, _, (byte)'W', (byte)'E', (byte)'B', (byte)'P', ..] => Webp(bytes),
            [(byte)'B', (byte)'M', ..] => Unknown with { Format = "BMP" },
            [(byte)'I', (byte)'I', 42, 0, ..] or [(byte)'M', (byte)'M', 0, 42, ..] => Unknown with { Format = "TIFF" },
            [_, _, _, _, (byte)'f', (byte)'t', (byte)'y', (byte)'p', (byte)'a', (byte)'v', (byte)'i', ..] => Unknown with
            {
                Format = "AVIF",
            },
            [_, _, _, _, (byte)'f', (byte)'t', (byte)'y', (byte)'p', (byte)'h' or (byte)'m', (byte)'e' or (byte)'i', ..] => Unknown with
            {
                Format = "HEIC",
            },
            _ => Unknown,
        };

    /// <summary>Frames of SOFn give bits and channels; after them the scans go on until the end mark (ITU-T T.81, B.1).</summary>
    private static ImageHeader Jpeg(ReadOnlySpan<byte> bytes)
    {
        var traits = ImageTraits.None;
        var at = 2;
        while (at + 4 <= bytes.Length)
        {
            if (bytes[at] != 0xFF)
            {
                break;
            }

            var mark = bytes[at + 1];
            if (mark is 0xFF)
            {
                at++;
                continue;
            }

            if (mark is 0xD9)
            {
                return new ImageHeader("JPEG", traits, Ends: true);
            }

            if (mark is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC) && at + 9 < bytes.Length)
            {
                traits |= (bytes[at + 4] > 8 ? ImageTraits.Deep : 0) | (bytes[at + 9] == 4 ? ImageTraits.Cmyk : 0);
            }

            at += 2 + BinaryPrimitives.ReadUInt16BigEndian(bytes[(at + 2)..]);
            if (mark is 0xDA)
            {
                at = AfterScan(bytes, at);
            }
        }

        // Fewer than four bytes may be left for the end mark itself.
        return new ImageHeader("JPEG", traits, at + 2 <= bytes.Length && bytes[at] == 0xFF && bytes[at + 1] == 0xD9);
    }

    /// <summary>The next mark that is neither a stuffed byte nor a restart.</summary>
    private static int AfterScan(ReadOnlySpan<byte> bytes, int at)
    {
        while (at + 1 < bytes.Length)
        {
            var next = bytes[at..].IndexOf((byte)0xFF);
            if (next < 0 || at + next + 1 >= bytes.Length)
            {
                return bytes.Length;
            }

            at += next;
            if (bytes[at + 1] is not (0x00 or (>= 0xD0 and <= 0xD7)))
            {
                return at;
            }

            at += 2;
        }

        return bytes.Length;
    }

    /// <summary>IHDR holds the bits a channel; acTL in front of the pixels makes an animation; IEND is the end.</summary>
    private static ImageHeader Png(ReadOnlySpan<byte> bytes)
    {
        var traits = bytes.Length > 24 && bytes[24] == 16 ? ImageTraits.Deep : ImageTraits.None;
        long at = 8;
        while (at + 12 <= bytes.Length)
        {
            var name = bytes.Slice((int)at + 4, 4);
            if (name.SequenceEqual("IEND"u8))
            {
                return new ImageHeader("PNG", traits, Ends: true);
            }

            if (name.SequenceEqual("acTL"u8))
            {
                traits |= ImageTraits.Animated;
            }

            at += 12L + BinaryPrimitives.ReadUInt32BigEndian(bytes[(int)at..]);
        }

        return new ImageHeader("PNG", traits, Ends: false);
    }

    /// <summary>Counts image descriptors; two are an animation. Files without the trailing byte are common and whole.</summary>
    private static ImageHeader Gif(ReadOnlySpan<byte> bytes)
    {
        var frames = 0;
        var at = 13 + (bytes.Length > 10 ? ColourTable(bytes[10]) : 0);
        while (at < bytes.Length && frames < 2)
        {
            switch (bytes[at])
            {
                case 0x21:
                    at = AfterBlocks(bytes, at + 2);
                    break;
                case 0x2C when at + 9 < bytes.Length:
                    frames++;
                    at = AfterBlocks(bytes, at + 11 + ColourTable(bytes[at + 9]));
                    break;
                default:
                    at = bytes.Length;
                    break;
            }
        }

        return new ImageHeader("GIF", frames > 1 ? ImageTraits.Animated : ImageTraits.None, Ends: true);
    }

    private static int ColourTable(byte packed) => (packed & 0x80) == 0 ? 0 : 3 << ((packed & 7) + 1);

    private static int AfterBlocks(ReadOnlySpan<byte> bytes, int at)
    {
        while (at < bytes.Length && bytes[at] != 0)
        {
            at += bytes[at] + 1;
        }

        return at + 1;
    }

    /// <summary>VP8X has a flag for animations; the RIFF size says where the file ends.</summary>
    private static ImageHeader Webp(ReadOnlySpan<byte> bytes)
    {
        var animated = bytes.Length > 20 && bytes[12..16].SequenceEqual("VP8X"u8) && (bytes[20] & 2) != 0;
        var size = BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]) + 8L;
        return new ImageHeader("WebP", animated ? ImageTraits.Animated : ImageTraits.None, Ends: size <= bytes.Length);
    }
}
