using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace CoIN.Benchmark.Scoring.Python;

/// <summary>Python's <c>float(text)</c>.</summary>
internal static partial class PythonFloat
{
    /// <summary>
    /// Reads a number: white space around it, a sign, an exponent, underscores between digits, decimal digits of any script, nan and inf.
    /// </summary>
    /// <returns>The number, or null where Python raises ValueError.</returns>
    public static double? Parse(string text)
    {
        var plain = ToAscii(text).Trim(' ', '\t', '\n', '\v', '\f', '\r');
        if (Special().Match(plain) is { Success: true } special)
        {
            var size = special.Groups["nan"].Success ? double.NaN : double.PositiveInfinity;
            return plain[0] == '-' ? -size : size;
        }

        return Number().IsMatch(plain)
            ? double.Parse(plain.Replace("_", "", StringComparison.Ordinal), NumberStyles.Float, CultureInfo.InvariantCulture)
            : null;
    }

    /// <summary>Digits and white space of other scripts become ASCII, as Python does first.</summary>
    private static string ToAscii(string text)
    {
        if (Ascii.IsValid(text))
        {
            return text;
        }

        var plain = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            if (!rune.IsAscii && Rune.IsWhiteSpace(rune))
            {
                plain.Append(' ');
            }
            else if (!rune.IsAscii && PythonText.IsDigit(rune))
            {
                plain.Append((char)('0' + (int)Rune.GetNumericValue(rune)));
            }
            else
            {
                plain.Append(rune);
            }
        }

        return plain.ToString();
    }

    // Spelled out, since ignoring case would let the dotted capital I stand for i.
    [GeneratedRegex(@"\A[+-]?(?:(?<nan>[nN][aA][nN])|[iI][nN][fF](?:[iI][nN][iI][tT][yY])?)\z", RegexOptions.CultureInvariant)]
    private static partial Regex Special();

    [GeneratedRegex(
        @"\A[+-]?(?:[0-9]+(?:_[0-9]+)*(?:\.(?:[0-9]+(?:_[0-9]+)*)?)?|\.[0-9]+(?:_[0-9]+)*)(?:[eE][+-]?[0-9]+(?:_[0-9]+)*)?\z",
        RegexOptions.CultureInvariant
    )]
    private static partial Regex Number();
}
