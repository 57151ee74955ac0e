using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Unicode;

namespace CoIN.Benchmark.Files;

/// <summary>Passes bytes on as long as they are UTF-8, and knows on which line and at which byte they are not any more.</summary>
/// <param name="source">Closed with this stream.</param>
/// <param name="path">What messages call it.</param>
internal sealed class Utf8Stream(Stream source, string path) : Stream
{
    private const int LongestCharacter = 4;

    // The beginning of a character whose other bytes are still to come.
    private readonly byte[] begun = new byte[LongestCharacter];
    private int begunLength;
    private long passed;
    private int line = 1;
    private bool afterReturn;
    private bool looked;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => source.Length;

    public override long Position
    {
        get => passed;
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        // The StreamReader above asks for kilobytes; a few bytes are for what a caller may ask.
        if (buffer.Length <= LongestCharacter)
        {
            Span<byte> more = stackalloc byte[1];
            var one = buffer.IsEmpty ? 0 : source.Read(more);
            Check(more[..one], ended: one == 0 && !buffer.IsEmpty);
            more[..one].CopyTo(buffer);
            return one;
        }

        var read = source.Read(buffer);
        Check(buffer[..read], ended: read == 0);
        return read;
    }

    public override void Flush() { }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            source.Dispose();
        }

        base.Dispose(disposing);
    }

    private void Check(ReadOnlySpan<byte> bytes, bool ended)
    {
        if (!looked && bytes.Length > 1)
        {
            RefuseOtherMarks(bytes);
        }

        looked |= bytes.Length > 0;

        // First the character that the bytes before had begun.
        while (begunLength > 0 && bytes.Length > 0)
        {
            begun[begunLength++] = bytes[0];
            bytes = bytes[1..];
            switch (Rune.DecodeFromUtf8(begun.AsSpan(0, begunLength), out _, out _))
            {
                case OperationStatus.Done:
                    Pass(begun.AsSpan(0, begunLength));
                    begunLength = 0;
                    break;
                case OperationStatus.InvalidData:
                    throw Fault(begun[0]);
            }
        }

        if (begunLength == 0)
        {
            var valid = Utf8.IsValid(bytes) ? bytes.Length : FirstFault(bytes);
            Pass(bytes[..valid]);
            bytes = bytes[valid..];
            if (bytes.Length > 0 && Rune.DecodeFromUtf8(bytes, out _, out _) != OperationStatus.NeedMoreData)
            {
                throw Fault(bytes[0]);
            }

            bytes.CopyTo(begun);
            begunLength = bytes.Length;
        }

        if (ended && begunLength > 0)
        {
            throw Fault(begun[0]);
        }
    }

    private static int FirstFault(ReadOnlySpan<byte> bytes)
    {
        var at = 0;
        while (Rune.DecodeFromUtf8(bytes[at..], out _, out var length) == OperationStatus.Done)
        {
            at += length;
        }

        return at;
    }

    private void Pass(ReadOnlySpan<byte> bytes)
    {
        passed += bytes.Length;
        while (bytes.IndexOfAny((byte)'\n', (byte)'\r') is var at and >= 0)
        {
            // A return and a line feed together end one line.
            line += bytes[at] == '\n' && afterReturn && at == 0 ? 0 : 1;
            afterReturn = bytes[at] == '\r';
            bytes = bytes[(at + 1)..];
        }

        afterReturn &= bytes.IsEmpty;
    }

    private void RefuseOtherMarks(ReadOnlySpan<byte> bytes)
    {
        if (bytes is [0xFF, 0xFE, ..] or [0xFE, 0xFF, ..])
        {
            throw new CoinException(
                $"{path}, line 1, byte 1: the file is UTF-16 text, but it must be UTF-8. Save it as UTF-8 (iconv -f UTF-16 -t UTF-8 {Path.GetFileName(path)})."
            );
        }
    }

    private CoinException Fault(byte value) =>
        new(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{path}, line {line}, byte {passed + 1} of the file (0x{value:X2}): the file is not UTF-8 text. Save it as UTF-8 (from Western European text: iconv -f LATIN1 -t UTF-8 {Path.GetFileName(path)}; from Chinese: -f GB18030), or copy it again from its source."
            )
        );
}
