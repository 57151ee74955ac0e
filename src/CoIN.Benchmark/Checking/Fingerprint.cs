using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using CoIN.Benchmark.Data;

namespace CoIN.Benchmark.Checking;

/// <summary>Half a SHA-256, 128 bits: enough that no two different texts or files of a data set are taken for the same.</summary>
public static class Fingerprint
{
    /// <summary>Of a text's UTF-8 bytes.</summary>
    public static UInt128 Of(string text) => Of(Encoding.UTF8.GetBytes(text));

    /// <summary>Of some bytes.</summary>
    public static UInt128 Of(ReadOnlySpan<byte> bytes)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes, hash);
        return BinaryPrimitives.ReadUInt128LittleEndian(hash);
    }
}
