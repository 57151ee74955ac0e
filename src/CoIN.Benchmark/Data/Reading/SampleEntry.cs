using System.Globalization;
using System.Numerics;
using Newtonsoft.Json.Linq;

namespace CoIN.Benchmark.Data.Reading;

/// <summary>What kind of thing is wrong with a sample that cannot be read.</summary>
internal enum SampleFaultKind
{
    /// <summary>A field is missing or of the wrong type.</summary>
    Malformed,

    /// <summary>There is no answer to learn, or to compare with.</summary>
    EmptyAnswer,

    /// <summary>A box is none.</summary>
    BadBox,
}

/// <summary>Why a sample cannot be read.</summary>
/// <param name="Sentence">Begins with "it".</param>
internal sealed record SampleFault(SampleFaultKind Kind, string Sentence);

/// <summary>One JSON object of a samples file, which knows where it stands so that its faults can be found.</summary>
/// <param name="path">The file.</param>
/// <param name="line">1-based line on which the object begins.</param>
/// <param name="number">1-based position among the file's samples; files on one line have no other.</param>
/// <param name="fields">The object.</param>
/// <param name="texts">The file's texts, so that equal ones are kept once.</param>
/// <param name="idKeys">Names under which the id may stand, the first one that is there counts.</param>
internal sealed class SampleEntry(string path, int line, int number, JObject fields, SharedTexts texts, string[] idKeys)
{
    private string? id;

    /// <summary>1-based line on which the sample begins.</summary>
    public int Line => line;

    /// <summary>The id as text, whatever JSON type it has.</summary>
    public string Id => id ??= ReadId();

    /// <summary>Whether the id was read.</summary>
    public bool HasId => id is not null;

    /// <summary>What the last fault was, for those who go on after it.</summary>
    public SampleFault? LastFault { get; private set; }

    /// <summary>The id where it was read already, else the position, as words.</summary>
    public string Name => id ?? "number " + number.ToString(CultureInfo.InvariantCulture);

    /// <summary>
    /// A field's value; null where it is absent, null, or NaN or infinite: so pandas and Python's json write a value that is missing.
    /// </summary>
    public JToken? this[string key] => fields[key] is { Type: not JTokenType.Null } value && !IsMissing(value) ? value : null;

    /// <summary>A text field that must be there.</summary>
    public string Text(string key) =>
        this[key] switch
        {
            { Type: JTokenType.String } value => Share((string)value!),
            null => throw Fault($"has no \"{key}\"", "Add it"),
            var other => throw WrongType(key, other, "text"),
        };

    /// <summary>
    /// The images' paths relative to the image root: of the field, or else of the marks in its texts (see <see cref="PathMarks"/>).
    /// </summary>
    /// <param name="marked">Paths in the texts, in their order.</param>
    public IReadOnlyList<string> Images(IReadOnlyList<string> marked)
    {
        string[] named = this["image"] switch
        {
            null => [],
            { Type: JTokenType.String } value => [(string)value!],
            JArray list when list.All(item => item.Type == JTokenType.String) => [.. list.Select(item => (string)item!)],
            var other => throw WrongType("image", other, "a path as text, or a list of paths,"),
        };
        var images = named.Select(PathOf).Where(image => image.Length > 0).ToList();
        if (images.Count > 0 && marked.Count > 0)
        {
            throw Fault($"names images in \"image\" and between {PathMarks.Start} and {PathMarks.End} too", "Leave one of both out");
        }

        return [.. (images.Count > 0 ? images : marked.Select(PathOf)).Select(Share)];
    }

    private static string PathOf(string image)
    {
        image = image.Trim();
        while (image.StartsWith("./", StringComparison.Ordinal))
        {
            image = image[2..].TrimStart('/');
        }

        return image;
    }

    /// <summary>A text or number as text, in the form that Python's str() gives to numbers.</summary>
    public string TextOrNumber(string key, JToken value) =>
        ScalarText(value) is { } text ? Share(text) : throw WrongType(key, value, "text or a number");

    /// <summary>The text, or an equal one that another sample has.</summary>
    public string Share(string text) => texts.Share(text);

    /// <summary>An error about this sample, as a sentence: "file, line, sample {fault}. {remedy} …".</summary>
    public CoinException Fault(string fault, string remedy, SampleFaultKind kind = SampleFaultKind.Malformed)
    {
        LastFault = new SampleFault(kind, $"it {fault}");
        return new($"{path}, line {line}, sample {Name}: it {fault}. {remedy}, or remove the sample.");
    }

    /// <summary>An error about a field of the wrong JSON type.</summary>
    public CoinException WrongType(string key, JToken value, string wanted) =>
        Fault($"has {NameOf(value)} as \"{key}\" where {wanted} is wanted", "Mend the field");

    private string ReadId()
    {
        foreach (var key in idKeys)
        {
            if (this[key] is { } value)
            {
                return ScalarText(value) is { Length: > 0 } text ? text : throw WrongType(key, value, "text or a number");
            }
        }

        throw Fault($"has no \"{idKeys[0]}\"", "Give it one");
    }

    private static string? ScalarText(JToken token) =>
        (token as JValue)?.Value switch
        {
            string text => text,
            long integer => integer.ToString(CultureInfo.InvariantCulture),
            BigInteger integer => integer.ToString(CultureInfo.InvariantCulture),
            double number when double.IsFinite(number) => number.ToString("R", CultureInfo.InvariantCulture) is var text
            && text.AsSpan().ContainsAny(".E")
                ? text
                : text + ".0",
            _ => null,
        };

    private static bool IsMissing(JToken value) => value is JValue { Value: double number } && !double.IsFinite(number);

    private static string NameOf(JToken token) =>
        token.Type switch
        {
            JTokenType.Object => "an object",
            JTokenType.Array => "a list",
            JTokenType.Boolean => "true or false",
            JTokenType.String => "text",
            JTokenType.Null => "null",
            JTokenType.Float when IsMissing(token) => "NaN or Infinity",
            _ => "a number",
        };
}
