using System.Security.Cryptography;
using System.Text;

namespace CoIN.Configuration;

/// <summary>Names of an experiment's runs: readable, fit for folders, and different from each other.</summary>
internal static class RunNames
{
    /// <summary>
    /// With the experiment's id before it, a name stays within what file systems take (255 bytes), with room for what is derived from it.
    /// </summary>
    internal const int Longest = 80;

    private const int HashLength = 8;

    /// <summary>Whether a character may stand in a run's name.</summary>
    public static bool IsSafe(char c) => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.';

    /// <summary>The names of runs, in their order.</summary>
    /// <param name="runs">Each with its variant, and the place of each value among those of its key.</param>
    /// <param name="keys">The varied keys.</param>
    public static IReadOnlyList<string> Of(
        IReadOnlyList<(string? Variant, IReadOnlyList<(string Key, int Place, Setting Value)> Values)> runs,
        IReadOnlyList<string> keys
    )
    {
        var shorts = keys.ToDictionary(key => key, key => Short(key, keys), StringComparer.Ordinal);
        var names = runs.Select(run =>
                Shortened(
                    string.Join(
                        '-',
                        new[] { run.Variant }
                            .OfType<string>()
                            .Concat(run.Values.Select(value => shorts[value.Key] + Text(value.Value, value.Place)))
                    )
                )
            )
            .ToList();
        var taken = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        return
        [
            .. names.Select(name =>
            {
                var unique = name;
                for (var n = 2; !taken.Add(unique); n++)
                {
                    unique = FormattableString.Invariant($"{name}-{n}");
                }

                return unique;
            }),
        ];
    }

    /// <summary>A value as people read it: a list by its place, as its elements would be too long.</summary>
    public static string Shown(Setting value) =>
        value switch
        {
            ScalarSetting scalar => scalar.Text ?? "null",
            ListSetting list => string.Join(", ", list.Items),
            _ => "",
        };

    /// <summary>A key's last part, where no other varied key ends in it.</summary>
    private static string Short(string key, IReadOnlyList<string> keys)
    {
        var last = key[(key.LastIndexOf('.') + 1)..];
        return Safe(
            keys.Count(other => other == last || other.EndsWith("." + last, StringComparison.Ordinal)) == 1 ? last : key.Replace('.', '-')
        );
    }

    private static string Text(Setting value, int place) =>
        value switch
        {
            ScalarSetting { Text: { } text } => Safe(
                text.Contains('/', StringComparison.Ordinal) ? "-" + Path.GetFileName(Path.TrimEndingDirectorySeparator(text))
                : text.Length > 0 && char.IsAsciiLetter(text[0]) ? "-" + text
                : text
            ),
            ScalarSetting => "-none",
            _ => FormattableString.Invariant($"{place + 1}"),
        };

    private static string Safe(string text) => string.Concat(text.Select(c => IsSafe(c) ? c : '-'));

    private static string Shortened(string name) =>
        name.Length <= Longest
            ? name
            : name[..(Longest - HashLength - 1)]
                + "-"
                + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)))[..HashLength];
}
