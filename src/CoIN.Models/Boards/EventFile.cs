using System.Buffers.Binary;
using System.Numerics;
using Google.Protobuf;
using Tensorboard;

namespace CoIN.Models.Boards;

/// <summary>
/// An event file for TensorBoard: records of a length, its checksum, a protocol buffer <c>Event</c> and its checksum (CRC-32C, masked).
/// TorchSharp's own <c>SummaryWriter</c> has the messages, which are used here, but keeps times in single precision, where a minute is not
/// known any more.
/// </summary>
public sealed class EventFile : IDisposable
{
    private const uint Mask = 0xa282ead8;
    private readonly FileStream stream;

    /// <summary>Begins a file of a name that TensorBoard knows, in a folder that is made where it is missing.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public EventFile(string folder, DateTimeOffset now)
    {
        Directory.CreateDirectory(folder);
        stream = new FileStream(
            Path.Combine(
                folder,
                FormattableString.Invariant(
                    $"events.out.tfevents.{now.ToUnixTimeSeconds():0000000000}.{Environment.MachineName}.{Environment.ProcessId}.0"
                )
            ),
            FileMode.Create,
            FileAccess.Write,
            FileShare.Read
        );
        Write(new Event { WallTime = Seconds(now), FileVersion = "brain.Event:2" });
    }

    /// <summary>A number of a curve.</summary>
    /// <param name="tag">The curve's name; what stands before a slash groups curves.</param>
    public void Scalar(string tag, double value, long step, DateTimeOffset at) =>
        Add(new Summary.Types.Value { Tag = tag, SimpleValue = (float)value }, step, at);

    /// <summary>A text in Markdown.</summary>
    public void Text(string tag, string text, long step, DateTimeOffset at) =>
        Add(
            new Summary.Types.Value
            {
                Tag = tag,
                Metadata = new SummaryMetadata { PluginData = new SummaryMetadata.Types.PluginData { PluginName = "text" } },
                Tensor = new TensorProto
                {
                    Dtype = DataType.DtString,
                    TensorShape = new TensorShapeProto { Dim = { new TensorShapeProto.Types.Dim { Size = 1 } } },
                    StringVal = { ByteString.CopyFromUtf8(text) },
                },
            },
            step,
            at
        );

    /// <summary>A picture.</summary>
    /// <param name="png">As a PNG file.</param>
    public void Image(string tag, byte[] png, int width, int height, long step, DateTimeOffset at) =>
        Add(
            new Summary.Types.Value
            {
                Tag = tag,
                Image = new Summary.Types.Image
                {
                    Width = width,
                    Height = height,
                    Colorspace = 3,
                    EncodedImageString = ByteString.CopyFrom(png),
                },
            },
            step,
            at
        );

    /// <summary>What was added can be read by others.</summary>
    public void Flush() => stream.Flush();

    /// <inheritdoc/>
    public void Dispose() => stream.Dispose();

    /// <summary>The masked checksum of the format.</summary>
    internal static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        var sum = uint.MaxValue;
        foreach (var one in bytes)
        {
            sum = BitOperations.Crc32C(sum, one);
        }

        return BitOperations.RotateRight(~sum, 15) + Mask;
    }

    private static double Seconds(DateTimeOffset at) => at.ToUnixTimeMilliseconds() / 1000.0;

    private void Add(Summary.Types.Value value, long step, DateTimeOffset at) =>
        Write(
            new Event
            {
                WallTime = Seconds(at),
                Step = step,
                Summary = new Summary { Value = { value } },
            }
        );

    private void Write(Event happened)
    {
        var bytes = happened.ToByteArray();
        Span<byte> length = stackalloc byte[sizeof(long)],
            sum = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteInt64LittleEndian(length, bytes.LongLength);
        stream.Write(length);
        BinaryPrimitives.WriteUInt32LittleEndian(sum, Checksum(length));
        stream.Write(sum);
        stream.Write(bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(sum, Checksum(bytes));
        stream.Write(sum);
    }
}
