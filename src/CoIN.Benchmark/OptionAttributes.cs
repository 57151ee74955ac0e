namespace CoIN.Benchmark;

/// <summary>A text that is the path of a file or folder: relative to the file of the configuration in which it is written.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class PathOptionAttribute : Attribute;

/// <summary>A text that names an environment variable with a secret in it; what cannot be a name is refused and not repeated.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class VariableOptionAttribute : Attribute;

/// <summary>A text that is one of a few.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class OneOfAttribute(params string[] values) : Attribute
{
    /// <summary>What the text may be.</summary>
    public IReadOnlyList<string> Values { get; } = values;
}

/// <summary>What could stand where nothing stands, for messages.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ExampleAttribute(string value) : Attribute
{
    /// <summary>A value as it is written in a configuration.</summary>
    public string Value { get; } = value;
}

/// <summary>A property of a record of options that no key of its name sets.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class NoKeyAttribute(string because) : Attribute
{
    /// <summary>What sets it instead.</summary>
    public string Because { get; } = because;
}
