using System.Text;
using CoIN.Benchmark.Data;

namespace CoIN.Benchmark.Checking;

/// <summary>
/// What a question asks, apart from how it is asked: without image tag, case and spacing, and without the last line where that is the
/// task's instruction, which differs between the instruction types.
/// </summary>
internal static class QuestionKey
{
    /// <summary>A fingerprint that is equal for equal questions.</summary>
    public static UInt128 Of(string text)
    {
        var lines = text.Replace(ImageTags.Tag, "", StringComparison.Ordinal)
            .Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        var count = lines.Length > 1 && !IsOption(lines[^1]) ? lines.Length - 1 : lines.Length;
        var plain = new StringBuilder(text.Length);
        for (var i = 0; i < count; i++)
        {
            foreach (var word in lines[i].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
            {
                plain.Append(word.ToLowerInvariant()).Append(' ');
            }

            plain.Append('\n');
        }

        return Fingerprint.Of(plain.ToString());
    }

    private static bool IsOption(string line) => line.Length > 1 && line[1] == '.' && char.IsAsciiLetterUpper(line[0]);
}
