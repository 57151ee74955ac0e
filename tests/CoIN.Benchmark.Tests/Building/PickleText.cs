using System.Text;
using CoIN.Benchmark.Data;

namespace CoIN.Benchmark.Tests.Building;

/// <summary>
/// Writes plain data as a Python pickle of protocol 2, as the published refs files are: dicts, lists, texts and whole numbers, without
/// memo.
/// </summary>
internal static class PickleText
{
    public static byte[] Write(object value)
    {
        using var stream = new MemoryStream();
        stream.Write([0x80, 2]);
        Value(stream, value);
        stream.WriteByte((byte)'.');
        return stream.ToArray();
    }

    private static void Value(Stream stream, object value)
    {
        switch (value)
        {
            case string text:
                var bytes = Encoding.UTF8.GetBytes(text);
                stream.WriteByte((byte)'X');
                stream.Write(BitConverter.GetBytes(bytes.Length));
                stream.Write(bytes);
                break;
            case int number:
                stream.WriteByte((byte)'J');
                stream.Write(BitConverter.GetBytes(number));
                break;
            case IReadOnlyDictionary<string, object> fields:
                stream.Write("}("u8);
                foreach (var (key, field) in fields)
                {
                    Value(stream, key);
                    Value(stream, field);
                }

                stream.WriteByte((byte)'u');
                break;
            case IEnumerable<object> items:
                stream.Write("]("u8);
                foreach (var item in items)
                {
                    Value(stream, item);
                }

                stream.WriteByte((byte)'e');
                break;
            default:
                throw new ArgumentException(value.GetType().Name);
        }
    }
}
