using System.Globalization;

namespace CoIN.Configuration;

/// <summary>A type whose values are written as one word.</summary>
/// <param name="Name">What is missing where nothing is written.</param>
/// <param name="Expected">What is expected where something else is written.</param>
/// <param name="Instead">A harmless value in the place of a wrong one.</param>
/// <param name="Parse">The value, or null where the text is none.</param>
internal sealed record ScalarKind(string Name, string Expected, object Instead, Func<string, object?> Parse)
{
    public static ScalarKind Int { get; } =
        new("a whole number", "a whole number", 0, text =>
            int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) ? value : null
        );

    public static ScalarKind Double { get; } =
        new("a number", "a number such as 0.5 or 2e-4", 0.0, text =>
            double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && double.IsFinite(value) ? value : null
        );

    public static ScalarKind Bool { get; } = new("true or false", "true or false", false, text => text is "true" or "yes" or "on" ? true
            : text is "false" or "no" or "off" ? false
            : null);

    /// <summary>One of a few names.</summary>
    public static ScalarKind OneOf<T>(IReadOnlyDictionary<string, T> names)
        where T : struct
    {
        var expected = string.Join(" or ", names.Keys);
        return new ScalarKind(expected, expected, default(T), text => names.TryGetValue(text, out var value) ? value : null);
    }

    /// <summary>The kind of a type; null where its values are no single words.</summary>
    public static ScalarKind? Of(Type type) =>
        type == typeof(int) ? Int
        : type == typeof(double) ? Double
        : type == typeof(bool) ? Bool
        : type.IsEnum ? Enum(type)
        : null;

    private static ScalarKind Enum(Type type)
    {
        var names = System.Enum.GetNames(type).ToDictionary(KebabCase.Of, name => System.Enum.Parse(type, name), StringComparer.Ordinal);
        var expected = string.Join(" or ", names.Keys);
        return new ScalarKind(expected, expected, names.Values.First(), names.GetValueOrDefault);
    }
}
