using System.Globalization;
using CoIN.Benchmark.Data;
using Newtonsoft.Json.Linq;

namespace CoIN.Benchmark.Building;

/// <summary>One entry of a raw data set's file, which knows where it stands so that its faults can be found.</summary>
/// <param name="file">The file.</param>
/// <param name="line">1-based line on which the entry begins; many of these files have one line only.</param>
/// <param name="name">What messages call the entry, e.g. <c>question 42</c>.</param>
/// <param name="fields">The fields that were asked for.</param>
internal sealed class RawEntry(string file, int line, string name, JObject fields)
{
    /// <summary>A field's value; null where it is absent, null, or NaN or infinite, as Python writes values that are missing.</summary>
    public JToken? this[string key] => fields[key] is { Type: not JTokenType.Null } value && !IsMissing(value) ? value : null;

    /// <summary>A text that must be there and say something; blanks at both ends are taken away.</summary>
    public string Text(string key) => OptionalText(key) is { Length: > 0 } text ? text : throw Fault($"has no \"{key}\"");

    /// <summary>A text without blanks at both ends; empty where it is absent or null.</summary>
    public string OptionalText(string key) =>
        this[key] switch
        {
            null => "",
            { Type: JTokenType.String } value => ((string)value!).Trim(),
            _ => throw Fault($"has no text as \"{key}\""),
        };

    /// <summary>An id as text, whether it is text or a whole number.</summary>
    public string Id(string key) =>
        this[key] switch
        {
            { Type: JTokenType.String } value when !string.IsNullOrWhiteSpace((string)value!) => ((string)value!).Trim(),
            { Type: JTokenType.Integer } value => value.ToString(Newtonsoft.Json.Formatting.None),
            _ => throw Fault($"has no text or whole number as \"{key}\""),
        };

    /// <summary>A whole number.</summary>
    public int Integer(string key) =>
        Long(key) is var value and >= int.MinValue and <= int.MaxValue ? (int)value : throw Fault($"has too large a number as \"{key}\"");

    /// <summary>A whole number of 64 bits, as ids may be.</summary>
    public long Long(string key) => this[key] is JValue { Value: long value } ? value : throw Fault($"has no whole number as \"{key}\"");

    /// <summary>A list of finite numbers.</summary>
    public double[] Numbers(string key) =>
        this[key] is JArray list && list.All(item => item.Type is JTokenType.Integer or JTokenType.Float && !IsMissing(item))
            ? [.. list.Select(item => item.ToObject<double>())]
            : throw Fault($"has no list of numbers as \"{key}\"");

    /// <summary>
    /// A list of texts; numbers and other plain values are taken as they are written, and blanks at both ends are taken away.
    /// </summary>
    public string[] Texts(string key) =>
        this[key] is JArray list
            ? [.. list.Select((item, index) => Scalar(item) ?? throw Fault($"has no text as \"{key}\"[{index}]"))]
            : throw Fault($"has no list as \"{key}\"");

    /// <summary>
    /// The texts under one name in a list of objects, as VQAv2 and VizWiz write annotators' answers; a plain list of texts will do too.
    /// </summary>
    public string[] Texts(string key, string inner) =>
        this[key] is JArray list
            ?
            [
                .. list.Select(
                    (item, index) =>
                        Scalar(item is JObject one ? one[inner] : item) ?? throw Fault($"has no \"{inner}\" in \"{key}\"[{index}]")
                ),
            ]
            : throw Fault($"has no list as \"{key}\"");

    /// <summary>An error about this entry, as a sentence: "file, line, entry: it {fault}. {remedy}."</summary>
    public CoinException Fault(string fault, string remedy = "Copy the file again from the data set's source, or mend the entry") =>
        new(string.Create(CultureInfo.InvariantCulture, $"{file}, line {line}, {name}: it {fault}. {remedy}."));

    private static bool IsMissing(JToken value) => value is JValue { Value: double number } && !double.IsFinite(number);

    private static string? Scalar(JToken? token) =>
        (token as JValue)?.Value switch
        {
            string text => text.Trim(),
            bool value => value ? "true" : "false",
            double value when !double.IsFinite(value) => null,
            IFormattable value => value.ToString(null, CultureInfo.InvariantCulture).Trim(),
            _ => null,
        };
}
