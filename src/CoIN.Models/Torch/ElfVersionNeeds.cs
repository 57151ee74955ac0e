using System.Buffers.Binary;
using System.Text;

namespace CoIN.Models.Torch;

/// <summary>
/// The versions of symbols that a 64-bit little-endian ELF library asks of other libraries (its <c>.gnu.version_r</c> section; System V
/// gABI and the LSB core specification, "Symbol Versioning").
/// </summary>
internal static class ElfVersionNeeds
{
    private const uint SectionTypeVersionNeeds = 0x6ffffffe;
    private const ushort WeakFlag = 0x2;

    /// <summary>One needed version.</summary>
    /// <param name="Library">File that must provide it, e.g. <c>libstdc++.so.6</c>.</param>
    /// <param name="Version">E.g. <c>GLIBCXX_3.4.32</c>.</param>
    /// <param name="IsWeak">Whether the loader only warns where the version is missing.</param>
    /// <param name="FlagsOffset">Where the entry's flags (16 bits) stand in the file.</param>
    internal sealed record Need(string Library, string Version, bool IsWeak, int FlagsOffset);

    /// <summary>Reads all needs of a library image.</summary>
    /// <exception cref="InvalidDataException">The bytes are not a 64-bit little-endian ELF file.</exception>
    public static IReadOnlyList<Need> Read(ReadOnlySpan<byte> elf)
    {
        if (elf.Length < 64 || !elf[..4].SequenceEqual("\u007fELF"u8) || elf[4] != 2 || elf[5] != 1)
        {
            throw new InvalidDataException("not a 64-bit little-endian ELF file");
        }

        var sections = (int)U64(elf, 0x28);
        int size = U16(elf, 0x3a),
            count = U16(elf, 0x3c);
        var needs = new List<Need>();
        for (var s = 0; s < count; s++)
        {
            var header = sections + (s * size);
            if (U32(elf, header + 4) != SectionTypeVersionNeeds)
            {
                continue;
            }

            var strings = (int)U64(elf, sections + ((int)U32(elf, header + 0x28) * size) + 0x18);
            var entry = (int)U64(elf, header + 0x18);
            for (uint left = U32(elf, header + 0x2c); left > 0; left--)
            {
                var library = Text(elf, strings + (int)U32(elf, entry + 4));
                var aux = entry + (int)U32(elf, entry + 8);
                for (int versions = U16(elf, entry + 2); versions > 0; versions--)
                {
                    var flags = U16(elf, aux + 4);
                    needs.Add(new Need(library, Text(elf, strings + (int)U32(elf, aux + 8)), (flags & WeakFlag) != 0, aux + 4));
                    aux += (int)U32(elf, aux + 12);
                }

                entry += (int)U32(elf, entry + 12);
            }
        }

        return needs;
    }

    /// <summary>Marks a need as weak in a library image.</summary>
    public static void MarkWeak(Span<byte> elf, Need need) =>
        BinaryPrimitives.WriteUInt16LittleEndian(elf[need.FlagsOffset..], (ushort)(U16(elf, need.FlagsOffset) | WeakFlag));

    private static string Text(ReadOnlySpan<byte> elf, int at) => Encoding.ASCII.GetString(elf.Slice(at, elf[at..].IndexOf((byte)0)));

    private static ushort U16(ReadOnlySpan<byte> elf, int at) => BinaryPrimitives.ReadUInt16LittleEndian(elf[at..]);

    private static uint U32(ReadOnlySpan<byte> elf, int at) => BinaryPrimitives.ReadUInt32LittleEndian(elf[at..]);

    private static ulong U64(ReadOnlySpan<byte> elf, int at) => BinaryPrimitives.ReadUInt64LittleEndian(elf[at..]);
}
