using System.Buffers.Binary;
using Tensorboard;

namespace CoIN.EndToEnd.Tests.Support;

/// <summary>
/// Reads an event file of TensorBoard by the format alone: length, its masked CRC-32C, the protocol buffer, and its own. Nothing of the
/// program's writer is used.
/// </summary>
internal static class EventRecords
{
    private const uint Polynomial = 0x82f63b78;
    private const uint Mask = 0xa282ead8;

    /// <summary>The numbers of a file's curves, in file order. A wrong checksum, or a record that is cut off, fails the test.</summary>
    public static IReadOnlyList<(string Tag, long Step, double Value)> Scalars(string path)
    {
        var bytes = File.ReadAllBytes(path);
        var scalars = new List<(string, long, double)>();
        for (var at = 0; at < bytes.Length; )
        {
            var length = (int)BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(at));
            Check(bytes.AsSpan(at, 8), bytes.AsSpan(at + 8));
            var record = bytes.AsSpan(at + 12, length);
            Check(record, bytes.AsSpan(at + 12 + length));
            at += 16 + length;
            var happened = Event.Parser.ParseFrom(record.ToArray());
            scalars.AddRange(
                (happened.Summary?.Value ?? [])
                    .Where(value => value.ValueCase == Summary.Types.Value.ValueOneofCase.SimpleValue)
                    .Select(value => (value.Tag, happened.Step, (double)value.SimpleValue))
            );
        }

        return scalars;
    }

    private static void Check(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> sum)
    {
        var crc = uint.MaxValue;
        foreach (var one in bytes)
        {
            crc ^= one;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) == 0 ? crc >> 1 : (crc >> 1) ^ Polynomial;
            }
        }

        crc = ~crc;
        Assert.Equal(((crc >> 15) | (crc << 17)) + Mask, BinaryPrimitives.ReadUInt32LittleEndian(sum));
    }
}
