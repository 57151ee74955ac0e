namespace CoIN.Benchmark.Data;

/// <summary>The options of a multiple-choice question as its text lists them.</summary>
internal static class OptionLines
{
    /// <summary>
    /// The texts of the option lines "A. …", "B. …" (or "A) …", "(A) …") that follow each other; the last such list counts, as a hint may
    /// hold another.
    /// </summary>
    /// <returns>Two options or more; empty if there is no such list.</returns>
    public static IReadOnlyList<string> Read(string text)
    {
        IReadOnlyList<string> found = [];
        var options = new List<string>();
        foreach (var line in text.AsSpan().EnumerateLines())
        {
            if (Option(line) is not var (letter, option))
            {
                continue;
            }

            if (letter == 'A')
            {
                options = [option];
            }
            else if (options.Count > 0 && letter == 'A' + options.Count)
            {
                options.Add(option);
                found = options;
            }
            else
            {
                options = [];
            }
        }

        return found;
    }

    private static (char Letter, string Text)? Option(ReadOnlySpan<char> line) =>
        line switch
        {
            [var letter, '.' or ')', .. var rest] when char.IsAsciiLetterUpper(letter) => (letter, rest.Trim().ToString()),
            ['(', var letter, ')', .. var rest] when char.IsAsciiLetterUpper(letter) => (letter, rest.Trim().ToString()),
            _ => null,
        };
}
