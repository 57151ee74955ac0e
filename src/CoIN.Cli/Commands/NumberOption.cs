using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace CoIN.Cli.Commands;

/// <summary>Options whose values are numbers, read in one way whatever the host's language, with the range that they may have.</summary>
internal static class NumberOption
{
    /// <summary>A whole number that may be left out.</summary>
    public static Option<int?> Optional(string name, string description, int least = int.MinValue) =>
        new(name)
        {
            HelpName = "N",
            Description = description,
            CustomParser = result => Whole(name, result, least),
        };

    /// <summary>A whole number with a default.</summary>
    public static Option<int> Whole(string name, string description, int usual, int least = int.MinValue) =>
        new(name)
        {
            HelpName = "N",
            Description = description,
            DefaultValueFactory = _ => usual,
            CustomParser = result => Whole(name, result, least) ?? usual,
        };

    /// <summary>A number that may be left out.</summary>
    /// <param name="right">Whether it may have a value.</param>
    /// <param name="expected">Which values it may have, for people.</param>
    public static Option<double?> Number(string name, string description, Func<double, bool> right, string expected) =>
        new(name)
        {
            HelpName = "N",
            Description = description,
            CustomParser = result =>
            {
                var text = result.Tokens[0].Value;
                if (
                    double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
                    && double.IsFinite(value)
                    && right(value)
                )
                {
                    return value;
                }

                result.AddError($"{name} {text}: must be {expected}.");
                return null;
            },
        };

    private static int? Whole(string name, ArgumentResult result, int least)
    {
        var text = result.Tokens[0].Value;
        if (int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) && value >= least)
        {
            return value;
        }

        result.AddError(
            $"{name} {text}: must be a whole number{(least == int.MinValue ? "" : string.Create(CultureInfo.InvariantCulture, $", {least} or more"))}."
        );
        return null;
    }
}
