using System.Buffers.Binary;
using System.IO.Compression;
using SkiaSharp;

namespace CoIN.Models.Tests.Support;

/// <summary>Small image files of kinds that the encoder at hand does not write.</summary>
internal static class ImageBytes
{
    private static readonly byte[] GifFrame = [0x2C, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0];

    /// <summary>A colourful picture as the encoder writes it.</summary>
    public static byte[] Encoded(SKEncodedImageFormat format, int size = 64)
    {
        using var bitmap = new SKBitmap(size, size);
        for (var i = 0; i < size * size; i++)
        {
            bitmap.SetPixel(i % size, i / size, new SKColor((byte)(i * 37), (byte)(i / 5), (byte)(i * i)));
        }

        using var data = bitmap.Encode(format, 90);
        return data.ToArray();
    }

    /// <summary>A PNG of one colour.</summary>
    public static byte[] Plain(int width, int height, byte red)
    {
        using var bitmap = new SKBitmap(width, height);
        bitmap.Erase(new SKColor(red, 100, 200));
        using var data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }

    /// <summary>A grey-blue JPEG of 8 × 8 pixels with so many channels: one block each, all coefficients zero.</summary>
    public static byte[] Jpeg(int channels)
    {
        byte[] table = [1, .. new byte[15], 0];
        return
        [
            0xFF,
            0xD8,
            .. Segment(0xDB, [0, .. Enumerable.Repeat((byte)1, 64)]),
            .. Segment(
                0xC0,
                [
                    8,
                    0,
                    8,
                    0,
                    8,
                    (byte)channels,
                    .. Enumerable.Range(1, channels).SelectMany(channel => new byte[] { (byte)channel, 0x11, 0 }),
                ]
            ),
            .. Segment(0xC4, [0x00, .. table]),
            .. Segment(0xC4, [0x10, .. table]),
            .. Segment(
                0xDA,
                [(byte)channels, .. Enumerable.Range(1, channels).SelectMany(channel => new byte[] { (byte)channel, 0 }), 0, 63, 0]
            ),
            (byte)((1 << (8 - (2 * channels))) - 1),
            0xFF,
            0xD9,
        ];
    }

    /// <summary>A GIF of one pixel with so many frames.</summary>
    public static byte[] Gif(int frames) =>
        [.. "GIF89a"u8, 1, 0, 1, 0, 0x80, 0, 0, .. new byte[6], .. Enumerable.Repeat(GifFrame, frames).SelectMany(frame => frame), 0x3B];

    /// <summary>
    /// A GIF of 4 × 2 pixels whose one frame of 2 × 1 stands at (1, 1): a pixel of the palette's index 1, then one of index
    /// <paramref name="second"/>.
    /// </summary>
    /// <param name="palette">Four colours, or two.</param>
    /// <param name="transparent">The transparent index; null for none.</param>
    /// <param name="local">Whether the palette is the frame's own.</param>
    public static byte[] SmallFrameGif(byte[] palette, byte? transparent, bool local, byte second = 1)
    {
        var size = (byte)(0x80 | (palette.Length == 12 ? 1 : 0));
        var codes = 4 | (1 << 3) | (second << 6) | (5 << 9);
        return
        [
            .. "GIF89a"u8,
            4,
            0,
            2,
            0,
            local ? (byte)0 : size,
            0,
            0,
            .. local ? [] : palette,
            .. transparent is { } index ? new byte[] { 0x21, 0xF9, 4, 1, 0, 0, index, 0 } : [],
            0x2C,
            1,
            0,
            1,
            0,
            2,
            0,
            1,
            0,
            local ? size : (byte)0,
            .. local ? palette : [],
            2,
            2,
            (byte)codes,
            (byte)(codes >> 8),
            0,
            0x3B,
        ];
    }

    /// <summary>A black PNG of 2 × 2 pixels.</summary>
    /// <param name="depth">Bits a channel.</param>
    /// <param name="animated">With the chunks of an animation.</param>
    public static byte[] Png(int depth, bool animated)
    {
        using var rows = new MemoryStream();
        using (var zlib = new ZLibStream(rows, CompressionLevel.Fastest, leaveOpen: true))
        {
            zlib.Write(new byte[2 * (1 + (2 * 3 * depth / 8))]);
        }

        return
        [
            0x89,
            .. "PNG\r\n"u8,
            0x1A,
            0x0A,
            .. Chunk("IHDR"u8, [0, 0, 0, 2, 0, 0, 0, 2, (byte)depth, 2, 0, 0, 0]),
            .. animated ? Chunk("acTL"u8, [0, 0, 0, 2, 0, 0, 0, 0]) : [],
            .. Chunk("IDAT"u8, rows.ToArray()),
            .. Chunk("IEND"u8, []),
        ];
    }

    /// <summary>The encoder's WebP as the one frame of an animation.</summary>
    public static byte[] AnimatedWebp()
    {
        var still = Encoded(SKEncodedImageFormat.Webp, 16);
        byte[] frame = [0, 0, 0, 0, 0, 0, 15, 0, 0, 15, 0, 0, 100, 0, 0, 0, .. still[12..]];
        byte[] body =
        [
            .. "WEBP"u8,
            .. Riff("VP8X"u8, [0x02, 0, 0, 0, 15, 0, 0, 15, 0, 0]),
            .. Riff("ANIM"u8, [0, 0, 0, 0, 0, 0]),
            .. Riff("ANMF"u8, frame),
        ];
        return Riff("RIFF"u8, body);
    }

    private static byte[] Segment(byte mark, byte[] data) => [0xFF, mark, (byte)((data.Length + 2) >> 8), (byte)(data.Length + 2), .. data];

    private static byte[] Chunk(ReadOnlySpan<byte> name, byte[] data)
    {
        byte[] named = [.. name, .. data];
        var chunk = new byte[named.Length + 8];
        BinaryPrimitives.WriteInt32BigEndian(chunk, data.Length);
        named.CopyTo(chunk, 4);
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(named.Length + 4), Crc(named));
        return chunk;
    }

    private static byte[] Riff(ReadOnlySpan<byte> name, byte[] data)
    {
        var chunk = new byte[data.Length + 8 + (data.Length % 2)];
        name.CopyTo(chunk);
        BinaryPrimitives.WriteInt32LittleEndian(chunk.AsSpan(4), data.Length);
        data.CopyTo(chunk, 8);
        return chunk;
    }

    /// <summary>The checksum of PNG chunks, bit by bit.</summary>
    private static uint Crc(byte[] bytes)
    {
        var crc = uint.MaxValue;
        foreach (var value in bytes)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320u : 0);
            }
        }

        return ~crc;
    }
}
