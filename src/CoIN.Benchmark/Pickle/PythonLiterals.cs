using System.Globalization;
using System.Text;

namespace CoIN.Benchmark.Pickle;

/// <summary>The texts of pickle protocol 0: Python 2's quoted strings, and unicode with backslash escapes.</summary>
internal static class PythonLiterals
{
    /// <summary>The bytes of a quoted string with its escapes, e.g. <c>'it\'s'</c>.</summary>
    /// <exception cref="FormatException">It is not one.</exception>
    public static byte[] Quoted(byte[] literal)
    {
        if (literal is [.., (byte)'\r'])
        {
            literal = literal[..^1];
        }

        if (literal.Length < 2 || literal[0] is not ((byte)'\'' or (byte)'"') || literal[^1] != literal[0])
        {
            throw new FormatException("a string is not in quotation marks");
        }

        var bytes = new List<byte>(literal.Length);
        for (var i = 1; i < literal.Length - 1; i++)
        {
            if (literal[i] != '\\')
            {
                bytes.Add(literal[i]);
                continue;
            }

            var escape = (char)literal[++i];
            if (i == literal.Length - 1)
            {
                throw new FormatException("a string ends within an escape");
            }

            switch (escape)
            {
                case 'x':
                    bytes.Add(byte.Parse(Digits(literal, i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
                    i += 2;
                    break;
                case >= '0' and <= '7':
                    var (value, end) = (0, i);
                    while (end < i + 3 && end < literal.Length - 1 && literal[end] is >= (byte)'0' and <= (byte)'7')
                    {
                        value = (value * 8) + literal[end++] - '0';
                    }

                    bytes.Add((byte)value);
                    i = end - 1;
                    break;
                default:
                    bytes.AddRange(Simple(escape));
                    break;
            }
        }

        return [.. bytes];
    }

    /// <summary>Unicode in Latin-1 with <c>\uXXXX</c> and <c>\UXXXXXXXX</c> for what Latin-1 lacks.</summary>
    /// <exception cref="FormatException">An escape is not complete.</exception>
    public static string RawUnicode(byte[] line)
    {
        var text = new StringBuilder(line.Length);
        for (var i = 0; i < line.Length; i++)
        {
            var length =
                line[i] == '\\' && i + 1 < line.Length
                    ? line[i + 1] switch
                    {
                        (byte)'u' => 4,
                        (byte)'U' => 8,
                        _ => 0,
                    }
                    : 0;
            if (length == 0)
            {
                text.Append((char)line[i]);
                continue;
            }

            var value = int.Parse(Digits(line, i + 2, length), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
            if (value is < 0 or > 0x10FFFF)
            {
                throw new FormatException("a unicode escape names no character");
            }

            text.Append(value < 0x10000 ? $"{(char)value}" : char.ConvertFromUtf32(value));
            i += 1 + length;
        }

        return text.ToString();
    }

    private static string Digits(byte[] line, int first, int count) =>
        first + count <= line.Length
            ? Encoding.Latin1.GetString(line, first, count)
            : throw new FormatException("an escape is not complete");

    private static byte[] Simple(char escape) =>
        escape switch
        {
            'n' => "\n"u8.ToArray(),
            'r' => "\r"u8.ToArray(),
            't' => "\t"u8.ToArray(),
            'a' => [7],
            'b' => [8],
            'f' => [12],
            'v' => [11],
            '\\' or '\'' or '"' => [(byte)escape],
            _ => [(byte)'\\', (byte)escape],
        };
}
