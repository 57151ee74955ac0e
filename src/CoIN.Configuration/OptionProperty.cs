using System.Reflection;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;

namespace CoIN.Configuration;

/// <summary>A property of a record of options, and the key that sets it.</summary>
internal sealed class OptionProperty
{
    private static readonly NullabilityInfoContext Nullability = new();

    private readonly PropertyInfo property;

    private OptionProperty(PropertyInfo property)
    {
        this.property = property;
        Key = KebabCase.Of(property.Name);
        lock (Nullability)
        {
            MayBeNull = Nullability.Create(property).WriteState == NullabilityState.Nullable;
        }

        Type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        Element = Type.IsGenericType && Type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>) ? Type.GetGenericArguments()[0] : null;
        Kind = ScalarKind.Of(Type);
        Bounds = property.GetCustomAttribute<BoundsAttribute>();
        OneOf = property.GetCustomAttribute<OneOfAttribute>()?.Values;
        Example = property.GetCustomAttribute<ExampleAttribute>()?.Value;
        HasKey = property.GetCustomAttribute<NoKeyAttribute>() is null;
        IsPath = property.GetCustomAttribute<PathOptionAttribute>() is not null;
        IsVariable = property.GetCustomAttribute<VariableOptionAttribute>() is not null;
    }

    public string Name => property.Name;

    public string Key { get; }

    /// <summary>Without the question mark.</summary>
    public Type Type { get; }

    public bool MayBeNull { get; }

    /// <summary>Null where values are no single words, or texts.</summary>
    public ScalarKind? Kind { get; }

    /// <summary>What a list is of; null for no list.</summary>
    public Type? Element { get; }

    public BoundsAttribute? Bounds { get; }

    public IReadOnlyList<string>? OneOf { get; }

    public string? Example { get; }

    public bool HasKey { get; }

    public bool IsPath { get; }

    public bool IsVariable { get; }

    /// <summary>Whether the value is a record, whose keys stand in a section of their own.</summary>
    public bool IsRecord => Type.IsClass && Type != typeof(string);

    /// <summary>The properties that can be set, in the order in which they are written.</summary>
    public static IReadOnlyList<OptionProperty> Of(Type record) =>
        [
            .. record
                .GetProperties(BindingFlags.Public | BindingFlags.Instance)
                .Where(property => property.CanWrite)
                .Select(property => new OptionProperty(property)),
        ];

    /// <summary>Full names of the keys that are paths.</summary>
    public static IEnumerable<string> Paths(Type record, string section) =>
        Of(record)
            .Where(property => property.HasKey)
            .SelectMany(property =>
                property.IsPath ? [$"{section}.{property.Key}"]
                : property.IsRecord ? Paths(property.Type, $"{section}.{property.Key}")
                : Enumerable.Empty<string>()
            );

    public object? Of(object record) => property.GetValue(record);

    public void Set(object record, object? value) => property.SetValue(record, value);
}
