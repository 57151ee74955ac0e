using System.Globalization;
using System.Net;

namespace CoIN.Benchmark.Reports.Html;

/// <summary>A piece of HTML or SVG. Made from interpolated strings, of which everything that is not markup itself is escaped.</summary>
internal sealed record Markup(string Text)
{
    public static Markup Empty { get; } = new("");

    /// <summary>
    /// Markup with values in it: texts are escaped, numbers are written without regard to the host's language, markup stays as it is.
    /// </summary>
    public static Markup Of(FormattableString text) => new(string.Format(Escaping.Instance, text.Format, text.GetArguments()));

    /// <summary>Pieces one after the other.</summary>
    public static Markup Join(IEnumerable<Markup> parts, string between = "\n") =>
        new(string.Join(between, parts.Select(part => part.Text)));

    public override string ToString() => Text;

    private sealed class Escaping : IFormatProvider, ICustomFormatter
    {
        public static readonly Escaping Instance = new();

        public object? GetFormat(Type? formatType) => formatType == typeof(ICustomFormatter) ? this : null;

        public string Format(string? format, object? arg, IFormatProvider? formatProvider) =>
            arg switch
            {
                null => "",
                Markup markup => markup.Text,
                IFormattable value => WebUtility.HtmlEncode(value.ToString(format, CultureInfo.InvariantCulture)),
                _ => WebUtility.HtmlEncode(arg.ToString()) ?? "",
            };
    }
}
