using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Text;

namespace CoIN.Benchmark.Pickle;

/// <summary>Reads a pickle's numbers and texts; a length that the input does not have is refused before memory is taken for it.</summary>
/// <param name="source">Named in messages.</param>
/// <param name="largest">Longest pickle in bytes.</param>
internal sealed class PickleReader(Stream stream, string source, long largest)
{
    // Python reads at most so many digits too; the longest integers that real files hold have ten bytes.
    private const int LongestInteger = 1024;
    private const int LongestLine = 1 << 24;
    private const int Piece = 1 << 16;

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Bytes read so far.</summary>
    public long Position { get; private set; }

    public int Byte()
    {
        var value = stream.ReadByte();
        if (value < 0)
        {
            throw Broken("it ends too soon: it is truncated");
        }

        Advance(1);
        return value;
    }

    public byte[] Bytes(long count)
    {
        if (count < 0 || count > largest - Position)
        {
            throw Broken($"a value of {(ulong)count} bytes is longer than a pickle may be here");
        }

        if (stream.CanSeek && count > stream.Length - stream.Position)
        {
            throw Broken($"a value claims {count} bytes where {stream.Length - stream.Position} are left: it is truncated");
        }

        // In pieces: a stream that cannot tell its length might claim more than it has.
        var bytes = new byte[Math.Min(count, stream.CanSeek ? count : Piece)];
        var read = 0;
        while (true)
        {
            var got = stream.ReadAtLeast(bytes.AsSpan(read), bytes.Length - read, throwOnEndOfStream: false);
            read += got;
            if (read < bytes.Length)
            {
                throw Broken("it ends too soon: it is truncated");
            }

            if (read == count)
            {
                Advance(count);
                return bytes;
            }

            Array.Resize(ref bytes, (int)Math.Min(count, bytes.LongLength * 2));
        }
    }

    public int UInt16() => BinaryPrimitives.ReadUInt16LittleEndian(Bytes(2));

    public int Int32() => BinaryPrimitives.ReadInt32LittleEndian(Bytes(4));

    public long UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4));

    public long Int64() => BinaryPrimitives.ReadInt64LittleEndian(Bytes(8));

    public double Float() => BinaryPrimitives.ReadDoubleBigEndian(Bytes(8));

    public string Text(long bytes)
    {
        var raw = Bytes(bytes);
        try
        {
            return Utf8.GetString(raw);
        }
        catch (ArgumentException)
        {
            throw Broken("a text is not UTF-8");
        }
    }

    /// <summary>A string of Python 2, whose encoding nobody wrote down: UTF-8 where it is, otherwise Latin-1.</summary>
    public static string LegacyText(byte[] raw)
    {
        try
        {
            return Utf8.GetString(raw);
        }
        catch (ArgumentException)
        {
            return Encoding.Latin1.GetString(raw);
        }
    }

    /// <summary>The rest of a line of protocol 0, without its end.</summary>
    public byte[] Line()
    {
        var line = new List<byte>();
        while (true)
        {
            var value = Byte();
            if (value == '\n')
            {
                return [.. line];
            }

            if (line.Count == LongestLine)
            {
                throw Broken($"a line is longer than {LongestLine} bytes");
            }

            line.Add((byte)value);
        }
    }

    public string Word() => Encoding.Latin1.GetString(Line()).TrimEnd('\r');

    /// <summary>An integer of little-endian two's complement.</summary>
    public object Integer(long bytes) =>
        bytes is < 0 or > LongestInteger ? throw Broken($"an integer has {(ulong)bytes} bytes") : Narrow(new BigInteger(Bytes(bytes)));

    /// <summary>An integer in decimal digits.</summary>
    public object Integer(string digits) =>
        digits.Length <= LongestInteger
        && BigInteger.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
            ? Narrow(value)
            : throw Broken("an integer is not a number");

    public double Float(string digits) =>
        digits switch
        {
            "inf" => double.PositiveInfinity,
            "-inf" => double.NegativeInfinity,
            "nan" or "-nan" => double.NaN,
            _ => double.TryParse(digits, NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
                ? value
                : throw Broken("a float is not a number"),
        };

    public CoinException Broken(string what, Exception? inner = null) =>
        new(
            $"{source} is not a valid pickle: {what} (at byte {Position}). Download or copy it again and compare its SHA-256 with the source's.",
            inner
        );

    private static object Narrow(BigInteger value) => value >= long.MinValue && value <= long.MaxValue ? (object)(long)value : value;

    private void Advance(long bytes)
    {
        Position += bytes;
        if (Position > largest)
        {
            throw Broken($"it is longer than the {largest} bytes that a pickle may have here");
        }
    }
}
