using CoIN.Benchmark;

namespace CoIN.Configuration;

/// <summary>
/// Fills a record of options from a section, property by property: the key is the property's name (<c>gradient-accumulation</c> for
/// <c>GradientAccumulation</c>), what is allowed stands beside the property as attributes. What is wrong is noted, and reading goes on.
/// Only what a name and a type do not say is told to the binder.
/// </summary>
internal sealed class RecordBinder
{
    private readonly Dictionary<(Type Record, string Property), Func<Section, object?>> readers = [];
    private readonly Dictionary<Type, Action<Section, object>> checks = [];
    private readonly HashSet<Type> nullIsDefault = [];

    /// <summary>A property that is read in a way of its own.</summary>
    public RecordBinder Read<T>(string property, Func<Section, object?> read)
    {
        readers.Add((typeof(T), property), read);
        return this;
    }

    /// <summary>What no single value shows; called where the whole record is there.</summary>
    public RecordBinder Check<T>(Action<Section, T> check)
        where T : class
    {
        checks.Add(typeof(T), (section, record) => check(section, (T)record));
        return this;
    }

    /// <summary>A record of which no section stands in the reference: a null means its own default.</summary>
    public RecordBinder NullIsDefault<T>()
    {
        nullIsDefault.Add(typeof(T));
        return this;
    }

    public T Bind<T>(Section section)
        where T : class => (T)Bind(typeof(T), section);

    public object Bind(Type type, Section section)
    {
        var record = Activator.CreateInstance(type)!;
        foreach (var property in OptionProperty.Of(type))
        {
            if (readers.TryGetValue((type, property.Name), out var read))
            {
                property.Set(record, read(section));
            }
            else if (property.HasKey)
            {
                var usual = property.Of(record);
                var value =
                    section.Has(property.Key) || usual is null ? Value(property, section, usual, nullIsDefault.Contains(type)) : usual;
                section.Known(property.Key);
                property.Set(record, value);
                CheckValue(property, section, value);
            }
        }

        section.NoOtherKeys();
        if (checks.TryGetValue(type, out var check))
        {
            check(section, record);
        }

        return record;
    }

    private object? Value(OptionProperty property, Section section, object? usual, bool orUsual) =>
        property switch
        {
            { Kind: { } kind } => section.Value(property.Key, kind)
                ?? (
                    property.MayBeNull ? null
                    : orUsual ? usual
                    : section.Missing(property.Key, kind)
                ),
            { Element: { } element } => List(property, section, element),
            { IsRecord: true } => property.MayBeNull && !section.Has(property.Key)
                ? null
                : Bind(property.Type, section.Child(property.Key)),
            _ when property.Type == typeof(string) => Text(property, section)
                ?? (
                    property.MayBeNull ? null
                    : usual is "" || (orUsual && usual is not null) ? usual
                    : section.Text(property.Key, property.Example ?? (string?)usual ?? "…")
                ),
            _ => throw new InvalidOperationException(
                $"{property.Name} is of a type that no key can have, {property.Type}. Give it a reader or [NoKey]."
            ),
        };

    private static string? Text(OptionProperty property, Section section) =>
        property.IsPath ? section.OptionalPath(property.Key)
        : property.IsVariable ? section.OptionalVariable(property.Key)
        : section.OptionalText(property.Key);

    private static object List(OptionProperty property, Section section, Type element)
    {
        var texts = section.List(property.Key);
        if (ScalarKind.Of(element) is not { } kind)
        {
            return texts;
        }

        var values = Array.CreateInstance(element, texts.Count);
        foreach (var (place, text) in texts.Index())
        {
            values.SetValue(section.Parse(property.Key, text, kind), place);
        }

        return values;
    }

    private static void CheckValue(OptionProperty property, Section section, object? value)
    {
        if (property.Bounds is { } bounds && value is int or double && !bounds.Allow(Convert.ToDouble(value, null)))
        {
            section.Require(false, property.Key, value, bounds.Expected, bounds.Remedy);
        }

        if (property.OneOf is { } few && value is string { Length: > 0 } text && !few.Contains(text))
        {
            section.Require(false, property.Key, text, few.Count == 1 ? few[0] : $"{string.Join(", ", few.SkipLast(1))} or {few[^1]}");
        }
    }
}
