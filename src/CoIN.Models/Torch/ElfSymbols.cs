using System.Buffers.Binary;
using System.Text;

namespace CoIN.Models.Torch;

/// <summary>
/// Names that a 64-bit little-endian ELF library takes from other libraries (its <c>.dynsym</c> section; System V gABI, "Symbol Table").
/// </summary>
internal static class ElfSymbols
{
    private const uint SectionTypeDynamicSymbols = 11;
    private const int SymbolSize = 24;
    private const int WeakBinding = 2;

    /// <summary>Undefined symbols that must be found, in file order; weak ones, which may be missing, are left out.</summary>
    /// <exception cref="InvalidDataException">The bytes are not a 64-bit little-endian ELF file.</exception>
    public static IReadOnlyList<string> Undefined(ReadOnlySpan<byte> elf)
    {
        if (elf.Length < 64 || !elf[..4].SequenceEqual("\u007fELF"u8) || elf[4] != 2 || elf[5] != 1)
        {
            throw new InvalidDataException("not a 64-bit little-endian ELF file");
        }

        var names = new List<string>();
        int sections = (int)U64(elf, 0x28),
            size = U16(elf, 0x3a),
            count = U16(elf, 0x3c);
        for (var s = 0; s < count; s++)
        {
            var header = sections + (s * size);
            if (U32(elf, header + 4) != SectionTypeDynamicSymbols)
            {
                continue;
            }

            int first = (int)U64(elf, header + 0x18),
                bytes = (int)U64(elf, header + 0x20);
            var strings = (int)U64(elf, sections + ((int)U32(elf, header + 0x28) * size) + 0x18);
            for (var at = first; at < first + bytes; at += SymbolSize)
            {
                var undefined = U16(elf, at + 6) == 0;
                if (undefined && U32(elf, at) != 0 && elf[at + 4] >> 4 != WeakBinding)
                {
                    var name = elf[(strings + (int)U32(elf, at))..];
                    names.Add(Encoding.ASCII.GetString(name[..name.IndexOf((byte)0)]));
                }
            }
        }

        return names;
    }

    private static ushort U16(ReadOnlySpan<byte> elf, int at) => BinaryPrimitives.ReadUInt16LittleEndian(elf[at..]);

    private static uint U32(ReadOnlySpan<byte> elf, int at) => BinaryPrimitives.ReadUInt32LittleEndian(elf[at..]);

    private static ulong U64(ReadOnlySpan<byte> elf, int at) => BinaryPrimitives.ReadUInt64LittleEndian(elf[at..]);
}
