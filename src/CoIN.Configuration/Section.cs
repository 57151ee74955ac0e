using System.Globalization;
using System.Numerics;
using CoIN.Benchmark;
using CoIN.Benchmark.Scoring;

namespace CoIN.Configuration;

/// <summary>
/// An object of the configuration, read key by key with the type expected there. What is wrong is noted and a harmless value returned, so
/// that reading goes on; keys that nobody asked for are unknown keys.
/// </summary>
internal sealed class Section(string path, ObjectSetting setting, Problems problems)
{
    private const int LongestVariableName = 64;

    private readonly HashSet<string> asked = [];
    private readonly HashSet<string> faulty = [];

    public string Path { get; } = path;

    public IEnumerable<string> Keys => setting.Items.Keys;

    /// <summary>Whether a key is there, be it null.</summary>
    public bool Has(string key) => setting.Items.ContainsKey(key);

    /// <summary>Whether a key's value is written as a list.</summary>
    public bool IsList(string key) => setting.Items.GetValueOrDefault(key) is ListSetting;

    /// <summary>Says of a key that it is none of the unknown ones, though this reader does not read it.</summary>
    public void Known(string key) => asked.Add(key);

    public string Key(string key) => $"{Path}.{key}";

    /// <summary>Where a key's value was written, as a clause for messages.</summary>
    public string From(string key) =>
        setting.Items.TryGetValue(key, out var value) ? $" (in {value.Origin.Name})" : $" (in {setting.Origin.Name})";

    public Section Child(string key)
    {
        asked.Add(key);
        if (setting.Items.GetValueOrDefault(key) is { } value && value is not ObjectSetting)
        {
            // That its keys are missing is no fault of theirs: they have their defaults, and nothing more is told.
            var usual = ConfigurationReference.SectionAt(Key(key));
            var first = usual.Items.FirstOrDefault(item => item.Value is ScalarSetting { Text: not null });
            Wrong(
                key,
                Text(value),
                "a section { … }",
                first.Value is not ScalarSetting { Text: { } text }
                    ? ""
                    : $" Its keys are set one by one, for example {Short(key)}.{first.Key} = {text}."
            );
            return new Section(Key(key), usual, new Problems());
        }

        var child = setting.Items.GetValueOrDefault(key) as ObjectSetting ?? ObjectSetting.Empty(setting.Origin);
        return new Section(Key(key), child, problems);
    }

    /// <summary>Text, or null where the key is null, empty or absent.</summary>
    public string? OptionalText(string key)
    {
        asked.Add(key);
        switch (setting.Items.GetValueOrDefault(key))
        {
            case null:
                return null;
            case ScalarSetting scalar:
                return scalar.Text;
            case var other:
                Wrong(key, Text(other), "a single value");
                return null;
        }
    }

    public string Text(string key, string example)
    {
        if (OptionalText(key) is { } text)
        {
            return text;
        }

        if (setting.Items.GetValueOrDefault(key) is null or ScalarSetting)
        {
            faulty.Add(key);
            problems.Add(
                $"{Key(key)} is not set. Write {key} = {example} in a configuration file, or pass --set {Short(key)}={example}.",
                Key(key)
            );
        }

        return "";
    }

    /// <summary>
    /// A path made absolute: relative to the file it is written in, or to the user's home where it begins with <c>~/</c>.
    /// </summary>
    public string? OptionalPath(string key)
    {
        if (OptionalText(key) is not { } text)
        {
            return null;
        }

        if (text.StartsWith("~/", StringComparison.Ordinal))
        {
            text = System.IO.Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), text[2..]);
        }

        var folder = setting.Items[key].Origin.Folder ?? Environment.CurrentDirectory;
        return System.IO.Path.GetFullPath(System.IO.Path.Combine(folder, text));
    }

    /// <summary>
    /// The name of an environment variable that holds a secret, or null. What cannot be a name may be the secret itself: it is noted
    /// without being repeated.
    /// </summary>
    public string? OptionalVariable(string key)
    {
        var name = OptionalText(key);
        if (
            name is null or ""
            || (
                !char.IsAsciiDigit(name[0]) && name.Length <= LongestVariableName && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_')
            )
        )
        {
            return name;
        }

        faulty.Add(key);
        problems.Add(
            $"{Key(key)} is no name of an environment variable. The secret itself belongs into a variable (export MY_KEY=…), and that one's name here.",
            Key(key)
        );
        return null;
    }

    public string RequiredPath(string key, string example) => OptionalPath(key) ?? Text(key, example);

    public int Int(string key) => (int)(Value(key, ScalarKind.Int) ?? Missing(key, ScalarKind.Int));

    public bool Bool(string key) => (bool)(Value(key, ScalarKind.Bool) ?? Missing(key, ScalarKind.Bool));

    /// <summary>One of a few names.</summary>
    public T OneOf<T>(string key, IReadOnlyDictionary<string, T> names)
        where T : struct
    {
        var kind = ScalarKind.OneOf(names);
        return (T)(Value(key, kind) ?? Missing(key, kind));
    }

    /// <summary>One of a few names, by itself.</summary>
    public string OneOf(string key, IReadOnlyCollection<string> names) =>
        names.ElementAt(OneOf(key, names.Index().ToDictionary(pair => pair.Item, pair => pair.Index)));

    /// <summary>A value of some kind, or null where the key is null, empty or absent.</summary>
    public object? Value(string key, ScalarKind kind) => OptionalText(key) is { } text ? Parse(key, text, kind) : null;

    /// <summary>The value that a text at a key says.</summary>
    public object Parse(string key, string text, ScalarKind kind)
    {
        if (kind.Parse(text) is { } value)
        {
            return value;
        }

        // What is a whole number and no value is too large.
        var huge = kind == ScalarKind.Int && BigInteger.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _);
        Wrong(key, $"'{text}'", huge ? $"{kind.Expected} from {int.MinValue} to {int.MaxValue}" : kind.Expected);
        return kind.Instead;
    }

    /// <summary>Notes that a key has no value, unless what it has was noted before.</summary>
    /// <returns>A harmless value.</returns>
    public object Missing(string key, ScalarKind kind)
    {
        if (setting.Items.GetValueOrDefault(key) is null or ScalarSetting)
        {
            faulty.Add(key);
            problems.Add($"{Key(key)} is not set{From(key)}; it must be {kind.Name}. Give it a value or remove the line.", Key(key));
        }

        return kind.Instead;
    }

    /// <summary>A list, written <c>[a, b]</c> or <c>a, b</c>.</summary>
    public IReadOnlyList<string> List(string key)
    {
        asked.Add(key);
        switch (setting.Items.GetValueOrDefault(key))
        {
            case null or ScalarSetting { Text: null }:
                return [];
            case ScalarSetting { Text: { } text }:
                return text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            case ListSetting list:
                return list.Items;
            case var other:
                Wrong(key, Text(other), "a list such as [a, b]");
                return [];
        }
    }

    /// <summary>Notes a value that cannot be, without repeating it: where it was written may be the value itself.</summary>
    public void Refuse(string key, string why)
    {
        faulty.Add(key);
        problems.Add($"{Key(key)}: {why}", Key(key));
    }

    /// <summary>Notes a value that has the right type but cannot be; one that has not was noted before.</summary>
    public void Require(bool right, string key, object value, string expected, string remedy = "")
    {
        if (!right && !faulty.Contains(key))
        {
            problems.Add(
                string.Create(CultureInfo.InvariantCulture, $"{Key(key)} is {value}{From(key)}; it must be {expected}.")
                    + (remedy.Length > 0 ? " " + remedy : ""),
                Key(key)
            );
        }
    }

    /// <summary>Notes something wrong with a key in its own words.</summary>
    public void Problem(string key, string text) => problems.Add(text, Key(key));

    /// <summary>Every key that nobody asked for is unknown.</summary>
    public void NoOtherKeys()
    {
        foreach (var key in setting.Items.Keys.Where(key => !asked.Contains(key)))
        {
            var nearest = NearestName.Of(key, asked);
            problems.Add($"unknown key {Key(key)}{From(key)}" + (nearest is null ? "." : $"; the nearest known key is {Key(nearest)}."));
        }
    }

    private void Wrong(string key, string value, string expected, string remedy = "")
    {
        faulty.Add(key);
        problems.Add($"{Key(key)} is {value}{From(key)}; expected {expected}.{remedy}", Key(key));
    }

    private string Short(string key) => Key(key)["coin.".Length..];

    private static string Text(Setting value) =>
        value switch
        {
            ScalarSetting { Text: null } => "null",
            ScalarSetting scalar => $"'{scalar.Text}'",
            ListSetting => "a list",
            ListsSetting => "a list of lists",
            _ => "a section",
        };
}
