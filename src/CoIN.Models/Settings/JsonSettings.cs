using System.Globalization;
using CoIN.Benchmark;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace CoIN.Models.Settings;

/// <summary>
/// An object of settings in a JSON file, every key of which is read, declared harmless, or refused by name: a key that nobody here knows
/// may change what the model computes. Faults are gathered, so that one reading tells all of them.
/// </summary>
internal sealed class JsonSettings
{
    private readonly JObject json;
    private readonly string prefix;
    private readonly List<string> faults;
    private readonly HashSet<string> known = new(StringComparer.Ordinal);

    public JsonSettings(string path, JObject json)
        : this(path, json, "", []) { }

    private JsonSettings(string path, JObject json, string prefix, List<string> faults)
    {
        Path = path;
        this.json = json;
        this.prefix = prefix;
        this.faults = faults;
    }

    public string Path { get; }

    /// <summary>The object of a key; null where it is absent or null.</summary>
    public JsonSettings? Child(string key)
    {
        switch (Token(key))
        {
            case null:
                return null;
            case JObject child:
                return new JsonSettings(Path, child, $"{prefix}{key}.", faults);
            default:
                WrongKind(key, "an object");
                return null;
        }
    }

    /// <summary>The objects of a list; none where it is absent or null.</summary>
    public IEnumerable<JsonSettings> Children(string key)
    {
        switch (Token(key))
        {
            case null:
                return [];
            case JArray list when list.All(one => one is JObject):
                return [.. list.Select((one, i) => new JsonSettings(Path, (JObject)one, $"{prefix}{key}[{i}].", faults))];
            default:
                WrongKind(key, "a list of objects");
                return [];
        }
    }

    /// <summary>The same settings with others laid over them.</summary>
    public JsonSettings OverlaidWith(JsonSettings? over)
    {
        if (over is null)
        {
            return this;
        }

        var merged = (JObject)json.DeepClone();
        foreach (var (key, value) in over.json)
        {
            merged[key] = value;
        }

        return new JsonSettings(Path, merged, prefix, faults);
    }

    /// <summary>A value that is there and not null; the key counts as read.</summary>
    public JToken? Token(string key)
    {
        known.Add(key);
        return json[key] is { Type: not JTokenType.Null } token ? token : null;
    }

    /// <summary>Whether two objects say the same.</summary>
    public bool SameAs(JsonSettings other) => JToken.DeepEquals(json, other.json);

    /// <summary>Whether a key is there, be it null.</summary>
    public bool Has(string key) => json.ContainsKey(key);

    public int? Int(string key) => Value<int>(key, "a whole number", JTokenType.Integer);

    public double? Double(string key) => Value<double>(key, "a number", JTokenType.Float, JTokenType.Integer);

    public bool? Bool(string key) => Value<bool>(key, "true or false", JTokenType.Boolean);

    public string? Text(string key)
    {
        if (Token(key) is not { } token)
        {
            return null;
        }

        if (token.Type == JTokenType.String)
        {
            return (string?)token;
        }

        WrongKind(key, "a text");
        return null;
    }

    /// <summary>A list of three or so numbers.</summary>
    public IReadOnlyList<double>? Numbers(string key)
    {
        if (Token(key) is not { } token)
        {
            return null;
        }

        if (token is JArray list && list.All(IsNumber))
        {
            return [.. list.Select(value => (double)value)];
        }

        WrongKind(key, "a list of numbers");
        return null;
    }

    /// <summary>A text that must be one of a few, or absent.</summary>
    public string TextOf(string key, string otherwise, params ReadOnlySpan<string> supported)
    {
        var text = Text(key) ?? otherwise;
        Require(supported.Contains(text), key, text, string.Join(" or ", supported));
        return text;
    }

    /// <summary>A number that must be this one, or absent.</summary>
    public void Number(string key, double supported)
    {
        if (Token(key) is { } token && !(IsNumber(token) && (double)token == supported))
        {
            Require(false, key, Show(token), supported.ToString(CultureInfo.InvariantCulture));
        }
    }

    /// <summary>Switches that must be off, or absent.</summary>
    public void Off(params ReadOnlySpan<string> keys) => Switches(keys, false);

    /// <summary>Switches that must be on, or absent.</summary>
    public void On(params ReadOnlySpan<string> keys) => Switches(keys, true);

    /// <summary>Lists and objects that must be empty, or absent.</summary>
    public void Empty(params ReadOnlySpan<string> keys)
    {
        foreach (var key in keys)
        {
            if (Token(key) is { } token and not JContainer { HasValues: false })
            {
                Require(false, key, Show(token), "none");
            }
        }
    }

    /// <summary>Keys that change nothing that is computed here.</summary>
    public void Harmless(params IEnumerable<string> keys) => known.UnionWith(keys);

    /// <summary>All keys, where another fault says enough.</summary>
    public void NoFurther() => known.UnionWith(json.Properties().Select(property => property.Name));

    public void Require(bool right, string key, string value, string supported)
    {
        if (!right)
        {
            Fault($"{prefix}{key} is {value}; supported is {supported}.");
        }
    }

    /// <summary>Notes a fault in its own words.</summary>
    public void Fault(string sentence)
    {
        if (!faults.Contains(sentence))
        {
            faults.Add(sentence);
        }
    }

    /// <summary>Refuses keys that nobody asked for; those that are null say nothing.</summary>
    public void NoOtherKeys()
    {
        foreach (
            var property in json.Properties().Where(property => !known.Contains(property.Name) && property.Value.Type != JTokenType.Null)
        )
        {
            Fault(
                $"{prefix}{property.Name} is {Show(property.Value)}, a key that is not known here and may change what is computed: it is not passed over."
            );
        }
    }

    /// <exception cref="CoinException">There are faults; the message names all of them.</exception>
    public void ThrowIfFaulty()
    {
        if (faults.Count > 0)
        {
            throw new CoinException($"{Path}: {string.Join(" ", faults)}");
        }
    }

    internal static string Show(JToken value)
    {
        var text = value.Type == JTokenType.String ? (string)value! : value.ToString(Formatting.None);
        return text.Length > 100 ? text[..100] + "…" : text;
    }

    private static bool IsNumber(JToken token) => token.Type is JTokenType.Integer or JTokenType.Float;

    private void Switches(ReadOnlySpan<string> keys, bool supported)
    {
        foreach (var key in keys)
        {
            if (Token(key) is { } token && !(token.Type == JTokenType.Boolean && (bool)token == supported))
            {
                Require(false, key, Show(token).ToLowerInvariant(), supported ? "true" : "false");
            }
        }
    }

    private T? Value<T>(string key, string expected, params ReadOnlySpan<JTokenType> types)
        where T : struct
    {
        if (Token(key) is not { } token)
        {
            return null;
        }

        try
        {
            if (types.Contains(token.Type))
            {
                return token.ToObject<T>();
            }
        }
        catch (Exception e) when (e is OverflowException or JsonException)
        {
            // Too large for its type.
        }

        WrongKind(key, expected);
        return null;
    }

    private void WrongKind(string key, string expected) =>
        Fault($"{prefix}{key} is {Show(json[key]!)}, a value of a wrong kind: expected is {expected}.");
}
